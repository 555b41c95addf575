// Buttons, sliders and lists of the viewer. Everything here is set by `change` and shown by `update`.

const MODES = { side: "Side by side", wipe: "Wipe", flicker: "Flicker", single: "One at a time" };
const KEYS = [
  ["← → ↑ ↓", "move"], ["+ −", "zoom"], ["0", "reset"], ["[ ]", "opacity"], [", .", "threshold"], ["c", "next colour map"],
  ["Shift + arrows", "window: level up and down, width left and right"], ["w", "next window"], ["i", "invert"],
  ["l", "lung outline"], ["k", "lesion outlines"], ["r", "region that keeps the class"],
  ["m", "next layout"], ["n", "next image"], ["f", "full screen"],
];

// An element; text in `children` is set as text and never as HTML, since titles may come from outside.
function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

function percent(value) {
  return `${Math.round(value * 100)}%`;
}

function number(value) {
  return Number.isFinite(value) ? `${Number(value.toPrecision(3))}` : "";
}

function slider(label, last, step, change) {
  const shown = make("output"), input = make("input", {
    type: "range", min: 0, max: last, step, "aria-label": label, oninput: () => change(Number(input.value)),
  });
  const update = (value) => {
    input.value = value;
    shown.value = percent(value);
    input.setAttribute("aria-valuetext", percent(value));
  };
  return { root: make("label", { class: "slider" }, make("span", {}, label), input, shown), update };
}

function list(label, options, change) {
  const entries = Object.entries(options).map(([value, text]) => make("option", { value }, text));
  const input = make("select", { "aria-label": label, onchange: () => change(input.value) }, ...entries);
  return { root: make("label", { class: "list" }, make("span", {}, label), input), update: (value) => { input.value = value; } };
}

function check(label, change) {
  const input = make("input", { type: "checkbox", onchange: () => change(input.checked) });
  return { root: make("label", { class: "check" }, input, make("span", {}, label)), update: (on) => { input.checked = on; } };
}

function amount(label, change) {
  const input = make("input", {
    type: "number", min: 0, max: 1, step: 0.01, "aria-label": label, onchange: () => change(Number(input.value) || 0),
  });
  return { root: make("label", { class: "amount" }, make("span", {}, label), input), update: (value) => { input.value = value; } };
}

function button(label, text, press) {
  return make("button", { type: "button", "aria-label": label, title: label, onclick: press }, text);
}

// Windows to choose from, by key: [label, [black, white]]; "own" is any other.
function windowsOf(auto) {
  return {
    full: ["Full range", [0, 1]],
    auto: ["Automatic", auto],
    dark: ["Lungs (dark areas)", [0, 0.6]],
    bright: ["Bones and heart (bright areas)", [0.4, 1]],
  };
}

function windowName(range, auto) {
  const near = ([, other]) => Math.abs(other[0] - range[0]) < 0.002 && Math.abs(other[1] - range[1]) < 0.002;
  return Object.entries(windowsOf(auto)).find(([, row]) => near(row))?.[0] ?? "own";
}

// The display options of a viewer: {root, toggles, update}. The toggles are what is on or off.
function lookControls(app) {
  const change = (part) => app.change(part), has = app.has, auto = app.auto;
  const labels = Object.fromEntries(Object.entries(windowsOf(auto)).map(([key, [text]]) => [key, text]));
  const level = () => (app.look.window[0] + app.look.window[1]) / 2, width = () => app.look.window[1] - app.look.window[0];
  const maps = Object.fromEntries(Object.entries(CONSTANTS.colormaps).map(([key, row]) => [key, row.label]));
  const parts = {
    opacity: has.maps && slider("Opacity", 1, 0.05, (opacity) => change({ opacity })),
    threshold: has.maps && slider("Hide below", 1, 0.01, (threshold) => change({ threshold })),
    cmap: has.unsigned && list("Colour map", maps, (cmap) => change({ cmap })),
    preset: list("Window", { ...labels, own: "Own" }, (key) => key !== "own" && change({ window: windowsOf(auto)[key][1] })),
    level: amount("Level", (value) => change({ window: windowOf(value, width()) })),
    width: amount("Width", (value) => change({ window: windowOf(level(), value) })),
    lungs: has.lungs && check("Lung outline", (lungs) => change({ lungs })),
    lesions: has.lesions && check("Lesion outlines", (lesions) => change({ lesions })),
    region: has.region && check("Region that keeps the class", (region) => change({ region })),
    invert: check("Invert", (invert) => change({ invert })),
  };
  const roots = (names) => names.filter((name) => parts[name]).map((name) => parts[name].root);
  const numbers = roots(["opacity", "threshold", "cmap", "preset", "level", "width"]);
  const root = make("div", { class: "looks", role: "group", "aria-label": "Display" }, ...numbers);
  const toggles = make("span", { class: "looks", role: "group", "aria-label": "Shown" }, ...roots(["lungs", "lesions", "region", "invert"]));
  const update = (look) => {
    for (const name of ["opacity", "threshold", "cmap", "lungs", "lesions", "region", "invert"]) parts[name]?.update?.(look[name]);
    parts.preset.update(windowName(look.window, auto));
    parts.level.update(Math.round(level() * 1000) / 1000);
    parts.width.update(Math.round(width() * 1000) / 1000);
  };
  return { root, toggles, update };
}

// Layout, zoom, tool and full screen of a viewer: {root, update}.
function viewControls(app) {
  const modes = Object.entries(app.count > 1 ? MODES : {}).map(([key, text]) => [key, make(
    "button", { type: "button", "aria-pressed": "false", onclick: () => app.change({ mode: key }) }, text,
  )]);
  const zoom = make("output", { "aria-label": "Zoom" });
  const windowing = make("button", {
    type: "button", "aria-pressed": "false", title: "Drag on the image: right is wider, up is brighter",
    onclick: () => app.setTool(app.tool === "pan" ? "window" : "pan"),
  }, "Drag sets window");
  const root = make(
    "div", { class: "views", role: "toolbar", "aria-label": "View" },
    make("span", { class: "modes", role: "group", "aria-label": "Layout" }, ...modes.map(([, node]) => node)),
    make(
      "span", { class: "zooms", role: "group", "aria-label": "Zoom" },
      button("Zoom out", "−", () => app.zoom(1 / 1.5)), zoom, button("Zoom in", "+", () => app.zoom(1.5)),
    ),
    windowing, button("Reset zoom, window and display", "Reset", () => app.reset()),
    make("button", { type: "button", onclick: () => app.fullScreen() }, "Full screen"),
  );
  const update = (look) => {
    for (const [key, node] of modes) node.setAttribute("aria-pressed", String(app.mode() === key));
    zoom.value = percent(look.zoom[0]);
    windowing.setAttribute("aria-pressed", String(app.tool === "window"));
  };
  return { root, update };
}

// Which image is shown, where not all are: {root, update}.
function panelTabs(app, titles) {
  const nodes = titles.map((title, index) => make(
    "button", { type: "button", "aria-pressed": "false", onclick: () => app.show(index) }, title,
  ));
  const root = make("div", { class: "tabs", role: "group", "aria-label": "Image shown" }, ...nodes);
  const update = () => {
    root.hidden = app.mode() === "side" || app.count < 2;
    nodes.forEach((node, index) => {
      node.hidden = app.mode() !== "single" && index === 0;
      node.setAttribute("aria-pressed", String(index === app.shown));
    });
  };
  return { root, update };
}

function keyHelp() {
  const rows = KEYS.flatMap(([key, does]) => [make("dt", {}, key), make("dd", {}, does)]);
  const text = "Click the image or press Tab until it has the focus. Ctrl or ⌘ with the wheel zooms, dragging moves, "
    + "dragging with the right button sets the window; on a touch screen two fingers zoom and move.";
  return make("details", { class: "keys" }, make("summary", {}, "Keys"), make("p", {}, text), make("dl", {}, ...rows));
}
