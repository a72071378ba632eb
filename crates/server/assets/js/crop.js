// The part of an image that is asked about: dragged with mouse, pen or finger, or moved with
// the keyboard. Places are shares of the paper's side.

const MIN = 0.03;
const STEP = 0.02;
/** A pointer that moves less than this many pixels does not drag. */
const STILL = 4;

const within = (value, low, high) => Math.min(Math.max(value, low), high);

export class Crop extends EventTarget {
  #area;
  #box;
  /** Where the image lies. */
  #frame = null;
  #rect = null;
  #drag = null;

  constructor(area, box) {
    super();
    this.#area = area;
    this.#box = box;
    area.addEventListener("pointerdown", (event) => this.#begin(event));
    area.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) area.addEventListener(end, () => this.#end());
    box.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Shows an image's crop, `null` for the whole; without `frame` there is no image. */
  show(frame, crop) {
    this.#area.hidden = !frame;
    this.#frame = frame;
    this.#rect = crop ?? frame;
    if (frame) this.#paint();
  }

  #paint() {
    for (const side of ["left", "top", "width", "height"])
      this.#box.style[side] = `${this.#rect[side] * 100}%`;
    this.#box.classList.toggle("whole", this.#isWhole);
  }

  get #isWhole() {
    return ["left", "top", "width", "height"].every(
      (side) => Math.abs(this.#rect[side] - this.#frame[side]) < 1e-6,
    );
  }

  #announce() {
    this.dispatchEvent(new CustomEvent("crop", { detail: this.#isWhole ? null : this.#rect }));
  }

  #at(event) {
    const area = this.#area.getBoundingClientRect();
    const { left, top, width, height } = this.#frame;
    return {
      x: within((event.clientX - area.left) / area.width, left, left + width),
      y: within((event.clientY - area.top) / area.height, top, top + height),
    };
  }

  /** At a corner, the corner is dragged; in a part, the part; elsewhere a new part begins. */
  #begin(event) {
    if (event.button !== 0 || this.#drag) return;
    const at = this.#at(event);
    const { left, top, width, height } = this.#rect;
    const corner = event.target.dataset.corner;
    const inside = event.target === this.#box && !this.#isWhole;
    this.#drag = { start: event, from: at, rect: this.#rect, moves: inside };
    if (corner)
      this.#drag.from = {
        x: corner.includes("w") ? left + width : left,
        y: corner.includes("n") ? top + height : top,
      };
    this.#area.setPointerCapture(event.pointerId);
  }

  #move(event) {
    const drag = this.#drag;
    if (!drag || event.pointerId !== drag.start.pointerId) return;
    const far = Math.hypot(event.clientX - drag.start.clientX, event.clientY - drag.start.clientY);
    if (!drag.moved && far < STILL) return;
    drag.moved = true;
    const { from } = drag;
    const to = this.#at(event);
    if (drag.moves) this.#moveBy(drag.rect, to.x - from.x, to.y - from.y);
    else this.#between(from, to);
    this.#paint();
  }

  #end() {
    if (this.#drag?.moved) this.#announce();
    this.#drag = null;
  }

  #moveBy(rect, x, y) {
    const frame = this.#frame;
    this.#rect = {
      ...rect,
      left: within(rect.left + x, frame.left, frame.left + frame.width - rect.width),
      top: within(rect.top + y, frame.top, frame.top + frame.height - rect.height),
    };
  }

  #between(a, b) {
    const frame = this.#frame;
    const side = (from, to, start, length) => {
      const size = Math.min(Math.max(Math.abs(to - from), MIN), length);
      return [within(Math.min(from, to), start, start + length - size), size];
    };
    const [left, width] = side(a.x, b.x, frame.left, frame.width);
    const [top, height] = side(a.y, b.y, frame.top, frame.height);
    this.#rect = { left, top, width, height };
  }

  #key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") this.#rect = this.#frame;
    else if (move) {
      const [x, y] = move.map((it) => it * STEP);
      const { left, top, width, height } = this.#rect;
      const { left: first, top: highest, width: across, height: down } = this.#frame;
      if (event.shiftKey)
        this.#rect = {
          left,
          top,
          width: within(width + x, MIN, first + across - left),
          height: within(height + y, MIN, highest + down - top),
        };
      else this.#moveBy(this.#rect, x, y);
    } else return;
    event.preventDefault();
    this.#paint();
    this.#announce();
  }
}
