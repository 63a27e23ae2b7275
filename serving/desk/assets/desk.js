// The slider's preview: figures are copied from the line of the table that has them. Without this file a button does it.
"use strict";
document.documentElement.classList.add("scripted");

const slider = document.querySelector("[data-slider] input");
if (slider) {
  const lines = new Map([...document.querySelectorAll("tr[data-place]")].map((line) => [line.dataset.place, line]));
  const said = document.querySelector("[data-said]");
  let later;
  const cellsOf = (line) => new Map([...line.querySelectorAll("[data-name]")].map((cell) => [cell.dataset.name, cell.textContent]));
  const show = () => {
    const line = lines.get(slider.value);
    const cells = cellsOf(line);
    for (const place of document.querySelectorAll("[data-cell]")) {
      place.textContent = cells.get(place.dataset.cell) ?? "";
    }
    const looked = document.querySelector("[data-looked]");
    looked.setAttribute("x1", line.dataset.x);
    looked.setAttribute("x2", line.dataset.x);
    document.querySelectorAll("input[data-capacity]").forEach((field) => { field.value = line.dataset.capacity; });
    slider.setAttribute("aria-valuetext", `${cells.get("capacity")} hand-offs a week`);
    clearTimeout(later);
    later = setTimeout(() => {
      said.textContent = `Threshold ${cells.get("threshold")}, wins a week ${cells.get("wins")}, premature calls a week `
        + `${cells.get("premature")}, share of wins caught ${cells.get("caught")}`;
    }, 400);
  };
  slider.addEventListener("input", show);
  slider.form.addEventListener("submit", (event) => event.preventDefault());
  show(); // a browser that was here before puts the slider where it was
}
