// The viewer as a Streamlit component: Python sends panels as the bytes of a JSON text, and gets the look back once it has come to rest.

const VIEWERS = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  const sent = JSON.parse(new TextDecoder().decode(data));
  const root = parentElement.querySelector(".viewer");
  const found = VIEWERS.get(root);
  if (found) {
    found.save = (look) => setStateValue("look", look);
    found.update(sent);
  } else {
    const unsupported = (error) => setStateValue("unsupported", error.message);
    VIEWERS.set(root, new Viewer(root, sent, { save: (look) => setStateValue("look", look), unsupported }));
  }
  return () => {
    VIEWERS.get(root)?.destroy();
    VIEWERS.delete(root);
  };
}
