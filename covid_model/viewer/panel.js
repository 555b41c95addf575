// One image of the viewer: its title, the frame that the canvas draws into, outlines and pointer over it, its colour bar.

const SVG = "http://www.w3.org/2000/svg";

function drawn(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

// Lines through the corners [x, y, x, y, ...] as the data of an SVG path.
function pathOf(lines) {
  return lines.map((line) => `M${line.join(" ")}Z`).join("");
}

class Panel {
  constructor(data, image) {
    this.data = data;
    this.image = image;
    this.map = data.map;
    if (this.map && !this.map.raw) this.map.raw = new Float32Array(bytesOf(this.map.values).buffer);
    this.svg = drawn("svg", { "aria-hidden": "true" });
    this.lines = drawn("g", {});
    const line = { fill: "none", "vector-effect": "non-scaling-stroke" };
    this.lungs = drawn("path", { ...line, class: "lungs", d: pathOf(image.lungs) });
    this.lesions = drawn("path", { ...line, class: "lesions", d: pathOf(image.lesions) });
    this.region = drawn("path", { ...line, class: "region", d: pathOf(data.region) });
    this.cross = drawn("path", { ...line, class: "cross", d: "" });
    this.lines.append(this.lungs, this.lesions, this.region);
    this.svg.append(this.lines, this.cross);
    this.frame = make("div", { class: "frame", role: "img", "aria-label": data.alt }, this.svg);
    const below = [...(this.map ? [this.colourBar()] : []), ...(data.note ? [make("p", {}, data.note)] : [])];
    this.root = make("figure", {}, make("figcaption", {}, data.title), this.frame, ...below);
  }

  colourBar() {
    const top = this.map.top;
    this.ramp = make("i");
    this.hovered = make("b");
    this.value = make("output", {});
    const low = make("span", {}, number(this.map.signed ? -top : 0)), high = make("span", {}, number(top));
    const ends = make("span", { class: "ramp" }, this.ramp, this.hovered);
    return make("div", { class: "bar", role: "group", "aria-label": "Colours of the map's raw values" }, low, ends, high, this.value);
  }

  // Outlines and colours as the look says. box: the frame's size; view: what it shows.
  update(look, view, box) {
    const scale = scaleOf(view, box, this.image);
    const left = box.width / 2 - view.x * this.image.width * scale, top = box.height / 2 - view.y * this.image.height * scale;
    this.lines.setAttribute("transform", `translate(${left} ${top}) scale(${scale}) translate(0.5 0.5)`);
    this.lungs.style.display = look.lungs ? "" : "none";
    this.lesions.style.display = look.lesions ? "" : "none";
    this.region.style.display = look.region ? "" : "none";
    const ramp = this.map && (this.map.signed ? "signed" : look.cmap);
    if (this.map && this.rampName !== ramp) {
      this.rampName = ramp;
      this.ramp.style.background = `linear-gradient(to right, ${rampColours(ramp).join(",")})`;
    }
  }

  // The pointer at a place of the image (null: nowhere), on every panel.
  point(place, view, box) {
    this.cross.setAttribute("d", place ? crossAt(place, view, box, this.image) : "");
    if (!this.map) return;
    const value = place && this.inside(place) ? mapValue(this.map, ...place) : null;
    this.value.value = value === null ? "" : number(value);
    const low = this.map.signed ? -this.map.top : 0;
    this.hovered.style.left = value === null ? "-9em" : percent(clamp((value - low) / (this.map.top - low || 1), 0, 1));
  }

  inside([x, y]) {
    return x >= 0 && y >= 0 && x < this.image.width && y < this.image.height;
  }
}

function crossAt([x, y], view, box, image) {
  const scale = scaleOf(view, box, image);
  const left = box.width / 2 + (x - view.x * image.width) * scale, top = box.height / 2 + (y - view.y * image.height) * scale;
  return `M${left - 9} ${top}h6m6 0h6M${left} ${top - 9}v6m0 6v6`;
}

function rampColours(name) {
  const rgb = (three) => `rgb(${[...three].join(" ")})`;
  if (name === "signed") {
    const [down, up] = [CONSTANTS.lowered, CONSTANTS.raised].map(rgb);
    return [down, "rgb(225 225 225)", up];
  }
  const table = bytesOf(CONSTANTS.colormaps[name].table);
  return Array.from({ length: 33 }, (_, step) => Math.min(255, step * 8) * 3).map((at) => rgb(table.slice(at, at + 3)));
}
