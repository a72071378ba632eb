// Probabilities as bars.

import { element, percent } from "./dom.js";

export class Bars {
  #rows = [];

  constructor(label) {
    this.root = element("ol", { class: "bars", "aria-label": label });
  }

  /** Shows these classes with their probabilities; `predicted` is the position of the answer. */
  show(classes, predicted = 0) {
    while (this.#rows.length < classes.length) {
      const label = element("span", { class: "label" });
      const fill = element("span", { class: "fill" });
      const value = element("span", { class: "value" });
      const track = element("span", { class: "track", "aria-hidden": "true" }, fill);
      this.#rows.push({ row: element("li", {}, label, track, value), label, fill, value });
    }
    this.#rows.length = classes.length;
    classes.forEach(({ class: name, probability }, at) => {
      const { row, label, fill, value } = this.#rows[at];
      label.textContent = name;
      fill.style.width = `${probability * 100}%`;
      value.textContent = percent(probability);
      row.classList.toggle("predicted", at === predicted);
    });
    if (this.root.children.length !== classes.length)
      this.root.replaceChildren(...this.#rows.map(({ row }) => row));
  }
}

const TOP = 3;

/** The most probable classes, the most probable first. */
export const top = (classes) =>
  classes.toSorted((a, b) => b.probability - a.probability).slice(0, TOP);
