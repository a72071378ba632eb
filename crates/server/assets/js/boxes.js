// The digits that were found, drawn on the image: a box around each, with its class.

const SVG = "http://www.w3.org/2000/svg";
/** The paper's side in units of the drawing. */
const SIDE = 1000;
const FONT = 42;
/** Between the ink and its box. */
const MARGIN = 6;

function shape(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

export class Boxes {
  #root;
  #boxes = [];

  /** `pointed` gets the position of a digit that is pointed at on `paper`. */
  constructor(root, paper, pointed) {
    this.#root = root;
    root.setAttribute("viewBox", `0 0 ${SIDE} ${SIDE}`);
    const point = (event) => {
      const area = root.getBoundingClientRect();
      const x = ((event.clientX - area.left) / area.width) * SIDE;
      const y = ((event.clientY - area.top) / area.height) * SIDE;
      const inside = (box) =>
        x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height;
      const found = this.#boxes.findIndex(inside);
      if (found >= 0) pointed(found);
    };
    // The boxes do not take these events: what is under them is drawn on or cropped.
    paper.addEventListener("pointerdown", point);
    paper.addEventListener("pointermove", (event) => event.buttons === 0 && point(event));
  }

  /**
   * Shows these digits. `place` says where their image lies on the paper, in shares of its
   * side: `left`, `top` and the size of a pixel.
   */
  show(digits, { left, top, pixel }) {
    this.#boxes = digits.map(({ box }) => ({
      x: (left + box.left * pixel) * SIDE - MARGIN,
      y: (top + box.top * pixel) * SIDE - MARGIN,
      width: box.width * pixel * SIDE + 2 * MARGIN,
      height: box.height * pixel * SIDE + 2 * MARGIN,
    }));
    const groups = digits.map(({ class: label, doubt }, at) => {
      const box = this.#boxes[at];
      const size = Math.min(FONT, Math.max(FONT / 2, box.height / 2));
      const text = { x: box.x, y: Math.max(box.y - size / 5, size), "font-size": size };
      const group = shape("g", { class: doubt ? "unsure" : "" });
      group.append(
        shape("rect", { ...box, class: "halo" }),
        shape("rect", box),
        shape("text", text, doubt ? `${label}?` : label),
      );
      return group;
    });
    this.#root.replaceChildren(...groups);
  }

  clear() {
    this.#boxes = [];
    this.#root.replaceChildren();
  }

  /** Marks the digit whose details are shown. */
  mark(chosen) {
    [...this.#root.children].forEach((group, at) => {
      group.classList.toggle("chosen", at === chosen);
    });
  }
}
