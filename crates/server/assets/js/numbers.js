// The numbers that a model read: large, row under row, or the grid of a table.

import { count, doubtWords, element, percent } from "./dom.js";

export class Numbers {
  #root;
  #chosen;
  #buttons = [];

  /** `chosen` gets the position of a digit that is pointed at, focused or clicked. */
  constructor(root, chosen) {
    this.#root = root;
    this.#chosen = chosen;
  }

  show({ rows, table }) {
    this.#buttons = [];
    const name = table ? "A table of digits" : "The numbers, row by row";
    const row = (digits) => digits.map((digit) => (digit ? this.#button(digit) : null));
    const parts = rows.map((digits) => row(digits));
    const cell = (button) => element("td", {}, ...(button ? [button] : []));
    const grid = table
      ? element(
          "table",
          { "aria-label": name },
          element("tbody", {}, ...parts.map((it) => element("tr", {}, ...it.map(cell)))),
        )
      : element(
          "ol",
          { "aria-label": name },
          ...parts.map((it) => element("li", {}, ...it.filter(Boolean))),
        );
    this.#root.replaceChildren(grid);
    this.#root.hidden = false;
  }

  #button({ class: label, probability, doubt }) {
    const at = this.#buttons.length;
    const choose = () => this.#chosen(at);
    const button = element(
      "button",
      {
        type: "button",
        class: doubt ? "digit unsure" : "digit",
        "aria-label": `${label}, ${percent(probability)}${doubt ? `, ${doubtWords(doubt)}` : ""}`,
        onclick: choose,
        onfocus: choose,
        onpointerenter: choose,
      },
      label,
    );
    this.#buttons.push(button);
    return button;
  }

  clear() {
    this.#buttons = [];
    this.#root.replaceChildren();
    this.#root.hidden = true;
  }

  mark(chosen) {
    this.#buttons.forEach((button, at) => {
      button.setAttribute("aria-pressed", String(at === chosen));
    });
  }
}

/** What was read, in words. */
export function readWords({ model, rows, table, text }) {
  const name = model.split("/").pop();
  const unsure = rows.flat().filter((digit) => digit?.doubt).length;
  const doubt = unsure > 0 ? `, but is unsure of ${count(unsure, "digit", "digits")}` : "";
  if (table) return `${name} reads a table of ${count(rows.length, "row", "rows")}${doubt}.`;
  if (rows.length === 1) return `${name} reads ${text}${doubt}.`;
  return `${name} reads ${rows.length} rows: ${text.split("\n").join(", ")}${doubt}.`;
}
