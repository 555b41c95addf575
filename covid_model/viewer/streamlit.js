// The viewer as a Streamlit component: Python sends panels as the bytes of a JSON text, and gets the look back once it has
// come to rest.

const VIEWERS = new WeakMap();
const POLL = 100;

// Streamlit takes the address that a rerun is asked for with as the newest, so that a run that is about to write to it would
// be undone. The look waits until none is under way.
function isRunning() {
  return document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "running";
}

// Streamlit makes every new address a step of the browser's history. One that is there before the server asks for it is none,
// so Back returns to the choice before and not to the look before. `Look.params` of look.py writes the same values.
function replaceAddress(look) {
  const params = new Map();
  for (const [name, value] of new URLSearchParams(location.search)) params.set(name, [...(params.get(name) ?? []), value]);
  for (const [name, first] of Object.entries(CONSTANTS.look)) {
    if (JSON.stringify(look[name]) === JSON.stringify(first)) params.delete(name);
    else params.set(name, [look[name]].flat().map((value) => (typeof value === "number" ? `${Number(value.toFixed(4))}` : `${value}`)));
  }
  const pairs = [...params].flatMap(([name, values]) => values.map((value) => [name, value]));
  history.replaceState(history.state, "", location.pathname + (pairs.length ? `?${new URLSearchParams(pairs)}` : ""));
}

class Saver {
  save(look) {
    clearTimeout(this.waiting);
    if (isRunning()) {
      this.waiting = setTimeout(() => this.save(look), POLL);
      return;
    }
    replaceAddress(look);
    this.setStateValue("look", look);
  }
}

export default function ({ data, parentElement, setStateValue }) {
  const sent = JSON.parse(new TextDecoder().decode(data));
  const root = parentElement.querySelector(".viewer");
  const [viewer, saver] = VIEWERS.get(root) ?? [null, new Saver()];
  saver.setStateValue = setStateValue; // every run has its own
  if (viewer) {
    viewer.update(sent);
  } else {
    const unsupported = (error) => setStateValue("unsupported", error.message);
    VIEWERS.set(root, [new Viewer(root, sent, { save: (look) => saver.save(look), unsupported }), saver]);
  }
  return () => {
    VIEWERS.get(root)?.[0].destroy();
    VIEWERS.delete(root);
  };
}
