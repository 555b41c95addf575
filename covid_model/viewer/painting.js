// Where panels are on the page, and what of them is drawn into the one canvas behind them.

const TALLEST = 640;
const LEAST = 250; // narrowest panel beside others
const GAP = 12;

// Sizes of panels. A panel has the shape of its image, within the space there is.
function layOut(app) {
  const visible = app.visible(), width = app.stage.clientWidth;
  app.root.classList.toggle("narrow", app.root.clientWidth < NARROW);
  const across = clamp(Math.floor((width + GAP) / (LEAST + GAP)), 1, visible.length);
  const widest = (width - GAP * (across - 1)) / across;
  const tallest = app.isFull() ? Math.max(200, innerHeight - 260) : TALLEST;
  app.panels.forEach((panel, index) => {
    panel.root.hidden = !visible.includes(index);
    const shape = panel.image.height / panel.image.width, wide = Math.floor(Math.min(widest, tallest / shape));
    panel.box = { width: wide, height: Math.round(wide * shape) };
    panel.frame.style.width = panel.root.style.width = `${panel.box.width}px`;
    panel.frame.style.height = `${panel.box.height}px`;
  });
  app.wipe.hidden = app.mode() !== "wipe";
  app.wipe.style.width = `${app.firstPanel().box.width}px`;
}

function paint(app, mode) {
  const density = Math.min(2, devicePixelRatio || 1), area = app.stage.getBoundingClientRect(), canvas = app.canvas;
  const width = Math.round(area.width * density), height = Math.round(area.height * density);
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const views = app.visible().flatMap((index) => viewsOf(app, app.panels[index], mode, area, density));
  app.renderer.keep(new Set(app.panels.flatMap(({ image, map }) => [image.digest, map?.key])));
  app.renderer.draw(views, app.look, app.view);
  report(app, mode);
}

// What to draw into a panel: wipe and flicker draw the first panel's picture over a part or for a time.
function viewsOf(app, panel, mode, area, density) {
  const frame = panel.frame.getBoundingClientRect(), scaled = (value) => Math.round(value * density);
  const place = {
    left: scaled(frame.left - area.left), top: scaled(frame.top - area.top),
    width: scaled(panel.box.width), height: scaled(panel.box.height),
  };
  const view = ({ image, map }, from, to) => ({ image, map, levels: app.levels.get(image.digest), place, from, to });
  const first = app.panels[0], share = Number(app.wipe.value);
  if (mode === "wipe") return [view(first, 0, share), view(panel, share, 1)];
  return [view(mode === "flicker" && app.flipped ? first : panel, 0, 1)];
}

// Says on the element what the canvas shows, for tests and for those who debug.
function report(app, mode) {
  app.frames += 1;
  const drawn = app.visible().map((index) => app.panels[index].map?.key ?? app.panels[index].image.digest);
  Object.assign(app.root.dataset, { frames: app.frames, mode, drawn: drawn.join(" "), look: JSON.stringify(app.look) });
}
