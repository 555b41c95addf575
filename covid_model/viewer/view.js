// Zoom and place: one view for all panels, in fractions of the image, so that they move together.

const MOST_ZOOM = 32;

function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

// Screen pixels for one image pixel, in a panel of width x height.
function scaleOf(view, panel, image) {
  return view.zoom * Math.min(panel.width / image.width, panel.height / image.height);
}

// The place of the image, in its pixels, under a point of the panel.
function placeUnder(view, panel, image, x, y) {
  const scale = scaleOf(view, panel, image);
  return [view.x * image.width + (x - panel.width / 2) / scale, view.y * image.height + (y - panel.height / 2) / scale];
}

// The view with its zoom in bounds and without empty margins that could be avoided.
function held(view, panel, image) {
  const zoom = clamp(view.zoom, 1, MOST_ZOOM), scale = scaleOf({ zoom }, panel, image);
  const within = (at, shown) => (shown >= 1 ? 0.5 : clamp(at, shown / 2, 1 - shown / 2));
  const x = within(view.x, panel.width / scale / image.width);
  return { zoom, x, y: within(view.y, panel.height / scale / image.height) };
}

// The view after zooming such that what is under the point (x, y) stays there.
function zoomedAt(view, factor, panel, image, x, y) {
  const [column, row] = placeUnder(view, panel, image, x, y);
  const zoom = clamp(view.zoom * factor, 1, MOST_ZOOM), scale = scaleOf({ zoom }, panel, image);
  const middle = [column - (x - panel.width / 2) / scale, row - (y - panel.height / 2) / scale];
  return held({ zoom, x: middle[0] / image.width, y: middle[1] / image.height }, panel, image);
}

// The view after moving the image by (x, y) screen pixels.
function movedBy(view, panel, image, x, y) {
  const scale = scaleOf(view, panel, image);
  return held({ zoom: view.zoom, x: view.x - x / scale / image.width, y: view.y - y / scale / image.height }, panel, image);
}

// A window [black, white] after a move by shares of its whole range: right is wider, down is darker.
function windowMoved(range, right, down) {
  const width = clamp(range[1] - range[0] + right, 0.01, 1), level = clamp((range[0] + range[1]) / 2 + down, 0, 1);
  return windowOf(level, width);
}

// [black, white] of a level and a width, within [0, 1].
function windowOf(level, width) {
  const rounded = (value) => Math.round(clamp(value, 0, 1) * 1000) / 1000;
  const low = rounded(level - width / 2), high = rounded(level + width / 2);
  return high > low ? [low, high] : [Math.max(0, high - 0.01), Math.min(1, Math.max(0, high - 0.01) + 0.01)];
}
