// The viewer in a self-contained page: the data is in a script element, and the still pictures give way once it is drawn.

for (const place of document.querySelectorAll(".viewer")) {
  const stills = document.getElementById(place.dataset.stills);
  const data = JSON.parse(document.getElementById(place.dataset.source).textContent);
  const unsupported = (error) => {
    place.textContent = `${error.message} The pictures below cannot be zoomed.`;
  };
  const viewer = new Viewer(place, data, { save: () => {}, unsupported });
  if (viewer.renderer) stills.classList.add("replaced");
}
