// Images and maps as Python encodes them (payload.py), decoded once and kept by their digest.

const DECODED = new Map();
const MOST_DECODED = 6;

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

async function inflated(stream) {
  return new Uint8Array(await new Response(stream.pipeThrough(new DecompressionStream("deflate"))).arrayBuffer());
}

// The grey values (columns x rows) of 16 bits. Each byte plane holds differences between neighbours of a row.
function undone(planes, columns, rows, bits) {
  const count = columns * rows, values = new Uint16Array(count);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0, last = 0; column < columns; column++, at++) {
      last = bits === 8 ? (last + planes[at]) & 255 : (last + (planes[at] << 8) + planes[count + at]) & 65535;
      values[at] = bits === 8 ? last * 257 : last;
    }
  }
  return values;
}

// Copies at half, a quarter ... of the size, for an image shown smaller than it is.
function withSmaller(values, columns, rows) {
  const levels = [{ values, columns, rows }];
  while (Math.min(columns, rows) > 256) {
    const from = levels[levels.length - 1], width = columns >> 1, height = rows >> 1;
    const halved = new Uint16Array(width * height);
    for (let row = 0, at = 0; row < height; row++) {
      let above = 2 * row * columns, below = above + columns;
      for (let column = 0; column < width; column++, at++, above += 2, below += 2) {
        const four = from.values[above] + from.values[above + 1] + from.values[below] + from.values[below + 1];
        halved[at] = (four + 2) >> 2;
      }
    }
    columns = width;
    rows = height;
    levels.push({ values: halved, columns, rows });
  }
  return levels;
}

async function decoded(image) {
  let stream;
  if (image.url) {
    // Streamlit Community Cloud serves an app, with its files, below this path.
    const answer = await fetch((location.pathname.startsWith("/~/+/") ? "/~/+" : "") + image.url);
    if (!answer.ok) throw new Error(`The image could not be fetched: ${answer.status}.`);
    stream = answer.body;
  } else {
    stream = new Blob([bytesOf(image.data)]).stream();
  }
  const values = undone(await inflated(stream), image.columns, image.rows, image.bits);
  return withSmaller(values, image.columns, image.rows);
}

// The levels of an image as a promise, shared by all viewers of the page.
function levelsOf(image) {
  let found = DECODED.get(image.digest);
  if (!found) {
    found = decoded(image);
    found.catch(() => DECODED.delete(image.digest));
    DECODED.set(image.digest, found);
    if (DECODED.size > MOST_DECODED) DECODED.delete(DECODED.keys().next().value);
  }
  return found;
}

// The map's raw value at a place of the image, interpolated as the shader does; 0 where the model saw nothing.
function mapValue(map, x, y) {
  const [left, top, width, height] = map.box;
  if (x < left || y < top || x > left + width || y > top + height) return 0;
  const across = ((x - left) * map.columns) / width - 0.5, down = ((y - top) * map.rows) / height - 0.5;
  const column = Math.floor(across), row = Math.floor(down), right = across - column, lower = down - row;
  const at = (r, c) => map.raw[clamp(r, 0, map.rows - 1) * map.columns + clamp(c, 0, map.columns - 1)];
  const mixed = (r) => at(r, column) * (1 - right) + at(r, column + 1) * right;
  return mixed(row) * (1 - lower) + mixed(row + 1) * lower;
}
