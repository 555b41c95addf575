// Pointer, wheel, touch and keyboard. The wheel alone and one finger are left to the page, so that it scrolls.

// Listens on the stage of a viewer.
function listen(app, stage) {
  listenToPointer(app, stage);
  listenToTouch(app, stage);
  stage.addEventListener("wheel", (event) => {
    if (!(event.ctrlKey || event.metaKey || app.isFull())) return;
    const panel = app.panelAt(event);
    if (!panel) return;
    event.preventDefault();
    app.zoomPanel(panel, Math.exp(-clamp(event.deltaY, -60, 60) * 0.01), event);
  }, { passive: false });
  stage.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !pressed(app, event)) return;
    event.preventDefault();
    event.stopPropagation(); // Streamlit has keys of its own
  });
}

function listenToPointer(app, stage) {
  let drag = null;
  stage.addEventListener("pointerdown", (event) => {
    const panel = event.pointerType !== "touch" && app.panelAt(event);
    if (!panel || event.button === 1) return;
    drag = { panel, x: event.clientX, y: event.clientY, windowing: event.button === 2 || app.tool === "window" };
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    app.point(app.panelAt(event), event);
    if (!drag) return;
    const right = event.clientX - drag.x, down = event.clientY - drag.y;
    Object.assign(drag, { x: event.clientX, y: event.clientY });
    if (drag.windowing) app.change({ window: windowMoved(app.look.window, right / 400, down / 400) });
    else app.move(drag.panel, right, down);
  });
  const end = () => { drag = null; };
  stage.addEventListener("pointerup", end);
  stage.addEventListener("pointercancel", end);
  stage.addEventListener("pointerleave", () => app.point(null));
  stage.addEventListener("contextmenu", (event) => app.panelAt(event) && event.preventDefault());
}

function listenToTouch(app, stage) {
  let before = null, start = null;
  const middle = ([a, b]) => ({ clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 });
  const apart = ([a, b]) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
  const note = (touches) => ({ ...middle(touches), apart: apart(touches), panel: app.panelAt(middle(touches)) });
  stage.addEventListener("touchstart", (event) => {
    before = event.touches.length === 2 ? note(event.touches) : null;
    start = event.touches.length === 1 ? event.touches[0] : null;
  }, { passive: true });
  stage.addEventListener("touchmove", (event) => {
    if (!before?.panel || event.touches.length !== 2) return;
    event.preventDefault();
    const now = note(event.touches);
    app.move(before.panel, now.clientX - before.clientX, now.clientY - before.clientY);
    app.zoomPanel(before.panel, now.apart / before.apart, now);
    before = { ...now, panel: before.panel };
  }, { passive: false });
  stage.addEventListener("touchend", (event) => {
    const end = event.changedTouches[0];
    if (start && !event.touches.length && end.identifier === start.identifier) {
      const right = end.clientX - start.clientX, down = end.clientY - start.clientY;
      if (Math.abs(right) > 50 && Math.abs(right) > 2 * Math.abs(down)) app.next(right < 0 ? 1 : -1);
    }
    before = null;
    start = null;
  }, { passive: true });
}

// True if the key does something here.
function pressed(app, event) {
  const look = app.look, step = (value, by) => Math.round(clamp(value + by, 0, 1) * 100) / 100;
  const following = (keys, key) => keys[(keys.indexOf(key) + 1) % keys.length];
  const arrows = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  if (event.key in arrows) {
    const [x, y] = arrows[event.key];
    if (event.shiftKey) app.change({ window: windowMoved(look.window, -x * 0.02, y * 0.02) });
    else app.move(app.firstPanel(), 40 * x, 40 * y);
    return true;
  }
  const windows = windowsOf(app.auto), does = {
    "+": () => app.zoom(1.25),
    "=": () => app.zoom(1.25),
    "-": () => app.zoom(1 / 1.25),
    0: () => app.reset(),
    "[": () => app.change({ opacity: step(look.opacity, -0.05) }),
    "]": () => app.change({ opacity: step(look.opacity, 0.05) }),
    ",": () => app.change({ threshold: step(look.threshold, -0.05) }),
    ".": () => app.change({ threshold: step(look.threshold, 0.05) }),
    c: () => app.change({ cmap: following(Object.keys(CONSTANTS.colormaps), look.cmap) }),
    w: () => app.change({ window: windows[following(Object.keys(windows), windowName(look.window, app.auto))][1] }),
    i: () => app.change({ invert: !look.invert }),
    l: () => app.change({ lungs: !look.lungs }),
    k: () => app.change({ lesions: !look.lesions }),
    r: () => app.change({ region: !look.region }),
    m: () => app.count > 1 && app.change({ mode: following(Object.keys(MODES), app.mode()) }),
    n: () => app.next(1),
    f: () => app.fullScreen(),
  }[event.key];
  does?.();
  return Boolean(does);
}
