// The drawing area: strokes with mouse, pen, touch or keyboard, and images shown on it.
//
// Positions are shares of the side (0 to 1), so that nothing depends on the size of the
// canvas on the screen. The paper is white and the ink black whatever the page's colours
// are: in dark mode the style inverts what is shown, not what is sent.

import { History } from "./history.js";
import { png } from "./png.js";

/** What is sent is this many pixels on a side: fine enough for any model's images. */
const SENT = 280;
/** Brush widths as shares of the side, by the position of the slider. */
const WIDTHS = [0.015, 0.025, 0.04, 0.055, 0.075, 0.095, 0.12, 0.15, 0.19];
const STEP = 1 / 28;
/** A part of a photograph is sent with at most so many pixels on a side. */
const MOST = 2048;

export class Pad extends EventTarget {
  erasing = false;
  brush = 5;
  #canvas;
  #context;
  #history = new History();
  #strokes = new Map();
  #cursor;
  #pen = { x: 0.5, y: 0.25, down: null };

  constructor(canvas, cursor) {
    super();
    this.#canvas = canvas;
    this.#cursor = cursor;
    this.#context = canvas.getContext("2d");
    this.#paint();
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"])
      canvas.addEventListener(end, (event) => this.#end(event));
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("blur", () => this.#lift());
    // A long press would open a menu in the middle of a stroke.
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  get canUndo() {
    return this.#history.canUndo;
  }

  get canRedo() {
    return this.#history.canRedo;
  }

  /** The image on the paper, if it was not drawn: a file or an example. */
  get picture() {
    const [first] = this.#history.visible;
    return first && first.kind !== "stroke" ? first : null;
  }

  /** Whether nothing can be seen. */
  get empty() {
    const visible = this.#history.visible;
    if (visible.length === 0 || visible.every((entry) => entry.erases)) return true;
    if (visible[0].kind === "file") return false;
    return this.#sent().data.every((value) => value === 255);
  }

  /** Where an image from a file lies, in shares of the side; `null` where there is none. */
  get frame() {
    const { kind, picture } = this.picture ?? {};
    if (kind !== "file" || !picture) return null;
    const side = Math.max(picture.width, picture.height);
    const [width, height] = [picture.width / side, picture.height / side];
    return { left: (1 - width) / 2, top: (1 - height) / 2, width, height };
  }

  /** The part of a file's image that is asked about, in shares of the side; `null` for the whole. */
  get crop() {
    return this.picture?.crop ?? null;
  }

  set crop(part) {
    if (!this.frame) return;
    this.picture.crop = part;
    this.#changed(false);
  }

  /**
   * The image to ask about: the file or example as it is, unless it was drawn on or cropped.
   * With a file, `place` says where it lies on the paper, in shares of its side: `left`, `top`
   * and the size of a `pixel`.
   */
  async subject() {
    const visible = this.#history.visible;
    const [first] = visible;
    const alone = visible.length === 1;
    if (alone && first.kind === "example") return { pixels: first.example.pixels };
    const frame = this.frame;
    if (alone && first.kind === "file" && !first.crop) {
      const { file, picture } = first;
      if (!frame) return { file };
      return { file, place: { ...frame, pixel: frame.width / picture.width } };
    }
    const part = this.crop ?? frame ?? { left: 0, top: 0, width: 1 };
    const canvas = frame ? this.#part(part) : this.#sent().canvas;
    const pixel = part.width / canvas.width;
    return { file: await png(canvas, "drawing.png"), place: { ...part, pixel } };
  }

  /** A part of the paper, as fine as the image on it. */
  #part({ left, top, width, height }) {
    const { picture } = this.picture;
    const own = Math.max(picture.width, picture.height);
    const side = Math.min(own, MOST / Math.max(width, height));
    const size = (share) => Math.max(1, Math.round(share * side));
    const canvas = new OffscreenCanvas(size(width), size(height));
    const context = canvas.getContext("2d");
    context.translate(-left * side, -top * side);
    this.#paint(context, side);
    return canvas;
  }

  undo() {
    this.#lift();
    if (this.#history.undo()) this.#changed(true);
  }

  redo() {
    if (this.#history.redo()) this.#changed(true);
  }

  clear() {
    this.#lift();
    if (this.#history.visible.length === 0) return;
    this.#history.push({ kind: "clear" });
    this.#changed(true);
  }

  /** Shows a file on empty paper. A file that the browser cannot show is sent too. */
  async showFile(file) {
    let picture = null;
    try {
      picture = await createImageBitmap(file);
    } catch {
      // The server says what is wrong with it.
    }
    this.#history.push({ kind: "file", file, picture });
    this.#changed(true);
  }

  /** Shows an example on empty paper. */
  showExample(example) {
    this.#history.push({ kind: "example", example, picture: onPaper(example) });
    this.#changed(true);
  }

  #sent() {
    const canvas = new OffscreenCanvas(SENT, SENT);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.imageSmoothingQuality = "high";
    context.drawImage(this.#canvas, 0, 0, SENT, SENT);
    return { canvas, data: context.getImageData(0, 0, SENT, SENT).data };
  }

  #changed(fresh) {
    if (fresh) this.#paint();
    this.dispatchEvent(new CustomEvent("change", { detail: { drawing: this.#strokes.size > 0 } }));
  }

  #paint(context = this.#context, side = this.#canvas.width) {
    context.fillStyle = "#fff";
    context.fillRect(0, 0, side, side);
    for (const entry of this.#history.visible) {
      if (entry.kind === "stroke") ink(context, side, entry, 0);
      else if (entry.picture) drawPicture(context, side, entry.picture, entry.kind === "example");
    }
  }

  /** Draws a stroke from its point at `from` on. */
  #ink(stroke, from) {
    ink(this.#context, this.#canvas.width, stroke, from);
  }

  #width(event) {
    const width = WIDTHS[this.brush - 1] * (this.erasing ? 1.6 : 1);
    // Only a pen knows how hard it is pressed.
    return event?.pointerType === "pen" && event.pressure > 0
      ? width * (0.5 + event.pressure)
      : width;
  }

  #place(event) {
    const box = this.#canvas.getBoundingClientRect();
    return {
      x: (event.clientX - box.left) / box.width,
      y: (event.clientY - box.top) / box.height,
      width: this.#width(event),
    };
  }

  #begin(event) {
    if (event.button !== 0 && event.pointerType === "mouse") return;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#lift();
    const stroke = { kind: "stroke", erases: this.erasing, points: [this.#place(event)] };
    this.#strokes.set(event.pointerId, stroke);
    this.#history.push(stroke);
    this.#ink(stroke, 0);
    this.#changed(false);
  }

  #move(event) {
    const stroke = this.#strokes.get(event.pointerId);
    if (!stroke) return;
    const from = stroke.points.length;
    // Pens and mice report more often than the screen is drawn; without these, quick
    // strokes have corners. Not every browser keeps any.
    const coalesced = event.getCoalescedEvents?.() ?? [];
    for (const each of coalesced.length > 0 ? coalesced : [event])
      stroke.points.push(this.#place(each));
    this.#ink(stroke, from);
    this.#changed(false);
  }

  #end(event) {
    if (this.#strokes.delete(event.pointerId)) this.#changed(false);
  }

  #key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") {
      event.preventDefault();
      if (this.#pen.down) this.#lift();
      else {
        const { x, y } = this.#pen;
        const stroke = {
          kind: "stroke",
          erases: this.erasing,
          points: [{ x, y, width: this.#width() }],
        };
        this.#pen.down = stroke;
        this.#history.push(stroke);
        this.#ink(stroke, 0);
        this.#changed(false);
      }
    } else if (move) {
      event.preventDefault();
      const step = event.shiftKey ? STEP / 4 : STEP;
      const within = (value) => Math.min(Math.max(value, 0), 1);
      this.#pen.x = within(this.#pen.x + move[0] * step);
      this.#pen.y = within(this.#pen.y + move[1] * step);
      const stroke = this.#pen.down;
      if (stroke) {
        stroke.points.push({ x: this.#pen.x, y: this.#pen.y, width: this.#width() });
        this.#ink(stroke, stroke.points.length - 1);
        this.#changed(false);
      }
    } else return;
    this.#showPen();
  }

  #lift() {
    this.#pen.down = null;
    this.#showPen(document.activeElement === this.#canvas && !this.#cursor.hidden);
  }

  #showPen(shown = true) {
    this.#cursor.hidden = !shown;
    this.#cursor.classList.toggle("down", Boolean(this.#pen.down));
    this.#cursor.style.left = `${this.#pen.x * 100}%`;
    this.#cursor.style.top = `${this.#pen.y * 100}%`;
  }
}

/** An image as large as fits, in the middle. */
function drawPicture(context, side, picture, sharp) {
  const scale = side / Math.max(picture.width, picture.height);
  const [width, height] = [picture.width * scale, picture.height * scale];
  context.imageSmoothingEnabled = !sharp;
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, (side - width) / 2, (side - height) / 2, width, height);
}

function ink(context, side, stroke, from) {
  context.strokeStyle = context.fillStyle = stroke.erases ? "#fff" : "#000";
  context.lineCap = context.lineJoin = "round";
  const points = stroke.points;
  if (from === 0) {
    const [dot] = points;
    context.beginPath();
    context.arc(dot.x * side, dot.y * side, (dot.width * side) / 2, 0, 2 * Math.PI);
    context.fill();
  }
  for (let at = Math.max(from, 1); at < points.length; at += 1) {
    const [a, b] = [points[at - 1], points[at]];
    context.lineWidth = b.width * side;
    context.beginPath();
    context.moveTo(a.x * side, a.y * side);
    context.lineTo(b.x * side, b.y * side);
    context.stroke();
  }
}

/** An example as dark ink on white paper. */
function onPaper({ shape, pixels }) {
  const { channels, height, width } = shape;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let at = 0; at < width * height; at += 1) {
    for (let colour = 0; colour < 3; colour += 1) {
      const plane = channels === 3 ? colour : 0;
      const value = pixels[plane * width * height + at];
      image.data[4 * at + colour] = channels === 3 ? value : 255 - value;
    }
    image.data[4 * at + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
