// The viewer: panels that share one look and one view, drawn at most once a frame.

const NARROW = 600; // below this width one image is shown at a time
const QUIET = 500; // milliseconds without a change after which the look is saved
const FLICKER = 700;

class Viewer {
  // save: called with the look, once it has come to rest. unsupported: called where the browser has no WebGL2.
  constructor(root, data, { save, unsupported }) {
    this.root = root;
    this.save = save;
    this.look = { ...CONSTANTS.look, ...data.look };
    this.tool = "pan";
    this.shown = this.count = 0;
    this.frames = 0;
    this.canvas = make("canvas", { "aria-hidden": "true" });
    try {
      this.renderer = new Renderer(this.canvas, () => this.request());
    } catch (error) {
      unsupported(error);
      return;
    }
    this.stage = make("div", { class: "stage", tabindex: 0, role: "application", "aria-label": data.label });
    this.readout = make("p", { class: "readout" });
    listen(this, this.stage);
    this.watch = new ResizeObserver(() => this.request());
    this.watch.observe(root);
    root.addEventListener("fullscreenchange", () => this.request());
    this.update(data);
  }

  // New panels. What was chosen stays; zoom and place stay for as long as the images are the same.
  async update(data) {
    const key = JSON.stringify(data.panels.map((panel) => [panel.title, panel.image, panel.map?.key, panel.map?.top]));
    if (!this.renderer || key === this.key) return;
    const pictures = Object.keys(data.images).join();
    if (this.pictures && pictures !== this.pictures) this.look.zoom = [1, 0.5, 0.5];
    this.key = key;
    this.pictures = pictures;
    this.build(data);
    try {
      const levels = await Promise.all(Object.values(data.images).map(levelsOf));
      if (key !== this.key) return;
      this.levels = new Map(Object.keys(data.images).map((digest, index) => [digest, levels[index]]));
      this.ready = true;
      this.request();
    } catch (error) {
      this.readout.textContent = `${error.message} Reload the page to try again.`;
      this.key = null;
    }
  }

  build(data) {
    const images = data.images;
    this.ready = false;
    this.panels = data.panels.map((panel) => new Panel(panel, { digest: panel.image, ...images[panel.image] }));
    this.shown = this.count === this.panels.length ? this.shown : this.panels.length - 1;
    this.count = this.panels.length;
    this.auto = this.panels[0].image.auto;
    const some = (test) => this.panels.some(test);
    const has = {
      maps: some(({ map }) => map),
      unsigned: some(({ map }) => map && !map.signed),
      lungs: some(({ image }) => image.lungs.length),
      lesions: some(({ image }) => image.lesions.length),
      region: some(({ data }) => data.region.length),
    };
    this.stage.setAttribute("aria-label", data.label);
    this.stage.replaceChildren(this.canvas, ...this.panels.map((panel) => panel.root));
    this.buildControls(has);
    this.arrange(); // now: panels without a size would let the page jump
  }

  buildControls(has) {
    const controls = JSON.stringify([has, this.auto, this.panels.map((panel) => panel.data.title)]);
    if (controls === this.controlled) return; // a control in use keeps the focus
    this.controlled = controls;
    this.has = has;
    this.wipe = make("input", {
      type: "range", min: 0, max: 1, step: 0.01, value: 0.5, class: "wipe", "aria-label": "Wipe", oninput: () => this.request(),
    });
    this.controls = [lookControls(this), viewControls(this), panelTabs(this, this.panels.map((panel) => panel.data.title))];
    const [look, view, tabs] = this.controls.map((part) => part.root);
    view.append(this.controls[0].toggles);
    this.root.replaceChildren(view, look, tabs, this.stage, this.wipe, this.readout, keyHelp());
  }

  // The layout in use: a narrow screen shows one image at a time.
  mode() {
    if (this.count < 2) return "single";
    return this.look.mode === "side" && this.root.clientWidth < NARROW ? "single" : this.look.mode;
  }

  visible() {
    if (this.mode() === "side") return this.panels.map((_, index) => index);
    return [this.shown];
  }

  change(part) {
    Object.assign(this.look, part);
    this.request();
    clearTimeout(this.saving);
    this.saving = setTimeout(() => this.save({ ...this.look }), QUIET);
  }

  reset() {
    this.change({ ...CONSTANTS.look, mode: this.look.mode });
  }

  setTool(tool) {
    this.tool = tool;
    this.request();
  }

  show(index) {
    this.shown = index;
    this.request();
  }

  next(by) {
    if (this.mode() !== "side") this.show((this.shown + by + this.count) % this.count);
  }

  get view() {
    const [zoom, x, y] = this.look.zoom;
    return { zoom, x, y };
  }

  set view({ zoom, x, y }) {
    this.change({ zoom: [zoom, x, y].map((value) => Math.round(value * 10000) / 10000) });
  }

  zoom(factor) {
    const { width, height } = this.firstPanel().box;
    this.view = zoomedAt(this.view, factor, { width, height }, this.firstPanel().image, width / 2, height / 2);
  }

  zoomPanel(panel, factor, { clientX, clientY }) {
    const area = panel.frame.getBoundingClientRect();
    this.view = zoomedAt(this.view, factor, panel.box, panel.image, clientX - area.left, clientY - area.top);
  }

  move(panel, x, y) {
    this.view = movedBy(this.view, panel.box, panel.image, x, y);
  }

  firstPanel() {
    return this.panels[this.visible()[0]];
  }

  // The panel under a pointer, if any.
  panelAt({ clientX, clientY }) {
    return this.panels.find((panel) => {
      const area = panel.frame.getBoundingClientRect();
      return clientX >= area.left && clientX < area.right && clientY >= area.top && clientY < area.bottom;
    });
  }

  // Value and position under the pointer, on all panels.
  point(panel, event) {
    const area = panel?.frame.getBoundingClientRect();
    const place = panel && placeUnder(this.view, panel.box, panel.image, event.clientX - area.left, event.clientY - area.top);
    for (const each of this.panels) each.point(place ?? null, this.view, each.box ?? panel.box);
    this.readout.textContent = place && panel.inside(place) ? this.described(panel, place) : "";
  }

  described({ image }, [x, y]) {
    const column = Math.floor(x), row = Math.floor(y), levels = this.levels?.get(image.digest)?.[0];
    if (!levels) return "";
    const at = Math.floor((y * levels.rows) / image.height) * levels.columns + Math.floor((x * levels.columns) / image.width);
    const [down, across] = image.spacing ?? [];
    const place = across ? ` (${(x * across).toFixed(1)} mm, ${(y * down).toFixed(1)} mm)` : "";
    return `Column ${column}, row ${row}${place}. Image value ${(levels.values[at] / 65535).toFixed(4)}.`;
  }

  isFull() {
    return this.root.getRootNode().fullscreenElement === this.root || this.root.classList.contains("full");
  }

  // Not every phone has a full screen for elements; there the viewer covers the page.
  fullScreen() {
    if (this.isFull()) {
      this.root.classList.remove("full");
      if (document.fullscreenElement) document.exitFullscreen();
    } else if (this.root.requestFullscreen) {
      this.root.requestFullscreen();
    } else {
      this.root.classList.add("full");
    }
    this.request();
  }

  request() {
    if (!this.asked) this.asked = requestAnimationFrame(() => this.frame());
  }

  frame() {
    this.asked = 0;
    if (!this.panels) return;
    const mode = this.mode();
    this.flicker(mode === "flicker");
    this.arrange();
    if (this.ready) paint(this, mode);
  }

  arrange() {
    layOut(this);
    for (const part of this.controls) part.update(this.look);
    for (const panel of this.panels) panel.update(this.look, this.view, panel.box);
  }

  flicker(on) {
    if (on === Boolean(this.flickering)) return;
    clearInterval(this.flickering);
    this.flickering = on ? setInterval(() => { this.flipped = !this.flipped; this.request(); }, FLICKER) : null;
    this.flipped = false;
  }

  destroy() {
    clearTimeout(this.saving);
    clearInterval(this.flickering);
    cancelAnimationFrame(this.asked);
    this.watch?.disconnect();
    this.renderer?.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}
