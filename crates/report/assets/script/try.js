"use strict";

// Try it: a reader draws, and the models inside the page predict the class.

/**
 * @typedef {object} Tried
 * @property {string} name
 * @property {number} height
 * @property {number} width
 * @property {boolean} plain whether images are shown to the models as they are
 * @property {boolean} dark whether plain images are light on dark
 * @property {string[]} classes
 * @property {PackedModel[]} models
 *
 * @typedef {{ x: number, y: number }[]} Stroke
 *
 * @typedef {object} TestImage a test image that fills the pad
 * @property {CanvasImageSource} image as it is painted on the pad
 * @property {Uint8Array} pixels as in the dataset
 *
 * @typedef {Stroke | TestImage} Mark
 */

/** The width of a stroke on the pad, like the pens of MNIST. */
const PEN = 22;

/**
 * @type {{
 *   groups: Tried[], group: number, marks: Mark[],
 *   predictors: Map<number, ((image: Uint8Array) => number[])[]>,
 * }}
 */
const trial = { groups: [], group: 0, marks: [], predictors: new Map() };

function tryIt() {
  trial.groups = dataOf("try-data") ?? [];
  if (trial.groups.length === 0) return;
  reveal("try");
  byId("try-group-choice").hidden = trial.groups.length === 1;
  const select = /** @type {HTMLSelectElement} */ (byId("try-group"));
  fillSelect(
    select,
    trial.groups.map((group) => group.name),
  );
  select.addEventListener("change", () => {
    trial.group = Number(select.value);
    trial.marks = [];
    offerTestImage();
    drawMarks();
    predictDrawing();
  });
  drawWithPointer();
  byId("try-undo").addEventListener("click", () => {
    trial.marks.pop();
    drawMarks();
    predictDrawing();
  });
  byId("try-clear").addEventListener("click", () => {
    trial.marks = [];
    drawMarks();
    predictDrawing();
  });
  byId("try-sample").addEventListener("click", loadTestImage);
  offerTestImage();
  drawMarks();
  predictDrawing();
}

function offerTestImage() {
  byId("try-sample").hidden = !exploredOfTrial();
  byId("try-steps").textContent = trial.groups[trial.group].plain
    ? "What the models see: the whole image, averaged to the size of the training images."
    : "What the models see: cropped, scaled and centred like the training images.";
}

function drawingPad() {
  return /** @type {HTMLCanvasElement} */ (byId("try-pad"));
}

/** @param {HTMLCanvasElement} canvas */
function pencil(canvas) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser cannot draw");
  return context;
}

function drawWithPointer() {
  const pad = drawingPad();
  /** @type {Map<number, Stroke>} by pointer: two fingers are two strokes */
  const strokes = new Map();
  /** @param {PointerEvent} event */
  const at = (event) => {
    const box = pad.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) * pad.width) / box.width,
      y: ((event.clientY - box.top) * pad.height) / box.height,
    };
  };
  let waiting = false;
  const soon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      drawMarks();
      predictDrawing();
    });
  };
  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    pad.setPointerCapture(event.pointerId);
    const stroke = [at(event)];
    strokes.set(event.pointerId, stroke);
    trial.marks.push(stroke);
    soon();
  });
  pad.addEventListener("pointermove", (event) => {
    const stroke = strokes.get(event.pointerId);
    if (!stroke) return;
    // A fast movement has more points than events.
    const all = event.getCoalescedEvents?.() ?? [];
    stroke.push(...(all.length > 0 ? all : [event]).map(at));
    soon();
  });
  for (const end of /** @type {const} */ (["pointerup", "pointercancel"])) {
    pad.addEventListener(end, (event) => {
      strokes.delete(event.pointerId);
    });
  }
}

/**
 * Paints everything that was drawn: dark on white, in every theme; light on black where the
 * models know such images and see them as they are.
 */
function drawMarks() {
  const pad = drawingPad();
  const context = pencil(pad);
  const { plain, dark } = trial.groups[trial.group];
  const [paper, ink] = plain && dark ? ["#000", "#fff"] : ["#fff", "#000"];
  context.fillStyle = paper;
  context.fillRect(0, 0, pad.width, pad.height);
  context.imageSmoothingEnabled = false;
  Object.assign(context, { lineWidth: PEN, lineCap: "round", lineJoin: "round" });
  context.strokeStyle = ink;
  for (const mark of trial.marks) {
    if (!Array.isArray(mark)) {
      context.drawImage(mark.image, 0, 0, pad.width, pad.height);
      continue;
    }
    context.beginPath();
    const start = mark[0];
    context.moveTo(start.x, start.y);
    // A tap is a dot, but a line of no length is not drawn at all.
    context.lineTo(start.x + 0.01, start.y);
    for (const { x, y } of mark) context.lineTo(x, y);
    context.stroke();
  }
  byId("try-undo").toggleAttribute("disabled", trial.marks.length === 0);
  byId("try-clear").toggleAttribute("disabled", trial.marks.length === 0);
}

/** The pad in grey. */
function readPad() {
  const pad = drawingPad();
  const { data } = pencil(pad).getImageData(0, 0, pad.width, pad.height);
  const values = Uint8Array.from({ length: data.length / 4 }, (_, i) => data[4 * i]);
  return { width: pad.width, height: pad.height, values };
}

/** The dataset in the error explorer, for its test images. */
function exploredOfTrial() {
  const { name } = trial.groups[trial.group];
  return explorer.groups.find((group) => group.name === name);
}

/** Loads a random test image into the pad: dark on white if it is ink, else as it is. */
async function loadTestImage() {
  const group = exploredOfTrial();
  if (!group) return;
  const { layout } = group;
  const samples = unpackSamples(group);
  const { place } = samples[Math.floor(Math.random() * samples.length)];
  const sheet = new Image();
  sheet.src = byId(layout.sheet).getAttribute("href") ?? "";
  await sheet.decode();
  const [width, height] = layout.size;
  const x = (place % layout.columns) * (width + 2 * layout.border) + layout.border;
  const y = Math.floor(place / layout.columns) * (height + 2 * layout.border) + layout.border;
  const image = new OffscreenCanvas(width, height);
  const context = image.getContext("2d");
  if (!context) return;
  context.drawImage(sheet, x, y, width, height, 0, 0, width, height);
  const stored = context.getImageData(0, 0, width, height);
  const pixels = Uint8Array.from({ length: width * height }, (_, i) => stored.data[4 * i]);
  stored.data.forEach((value, i) => {
    if (i % 4 !== 3 && !trial.groups[trial.group].plain) stored.data[i] = 255 - value;
  });
  context.putImageData(stored, 0, 0);
  trial.marks.push({ image, pixels });
  drawMarks();
  predictDrawing();
}

/**
 * The pad as the models see it; `null` if it is empty. A test image alone stays as it is in
 * the dataset, as the program leaves an image that has the format of the model.
 */
function preparedPad() {
  const group = trial.groups[trial.group];
  const [first, ...others] = trial.marks;
  const alone = first && others.length === 0 && !Array.isArray(first);
  if (alone && first.pixels.length === group.width * group.height) return first.pixels;
  return prepareDrawing(readPad(), group);
}

/** The probabilities of every model of the chosen dataset for a prepared image. */
function predictAll(/** @type {Uint8Array} */ image) {
  const { models, height, width } = trial.groups[trial.group];
  let predictors = trial.predictors.get(trial.group);
  if (!predictors) {
    predictors = models.map((model) => unpackModel(model, height, width));
    trial.predictors.set(trial.group, predictors);
  }
  return predictors.map((predict) => predict(image));
}

function predictDrawing() {
  const group = trial.groups[trial.group];
  const image = preparedPad();
  showPrepared(image, group);
  const list = byId("try-answers");
  if (!image) {
    list.replaceChildren(make("p", "note", "Nothing drawn yet."));
    return;
  }
  const drawings = drawingsOn(readPad(), group);
  if (drawings > 1) {
    const words = `There are ${drawings} drawings, and an answer is about one: undo a stroke, or clear.`;
    list.replaceChildren(make("p", "note", words));
    return;
  }
  const predictions = predictAll(image).map((probabilities, at) => {
    const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
    const classes = order.slice(0, 3).map((predicted) => {
      const name = make("span", "class", group.classes[predicted]);
      const p = probabilities[predicted];
      const bar = shareBar(p, group.models[at].series);
      return make("div", "class-probability", name, bar, make("span", "n", percent(p)));
    });
    return make("div", "prediction", make("h3", "", modelName(group.models[at])), ...classes);
  });
  list.replaceChildren(...predictions);
}

/**
 * Shows what the models see.
 * @param {Uint8Array | null} image
 * @param {Tried} group
 */
function showPrepared(image, { width, height }) {
  const canvas = /** @type {HTMLCanvasElement} */ (byId("try-seen"));
  Object.assign(canvas, { width, height });
  const seen = new ImageData(width, height);
  for (let at = 0; at < width * height; at++) {
    seen.data.fill(image?.[at] ?? 0, 4 * at, 4 * at + 3);
    seen.data[4 * at + 3] = 255;
  }
  pencil(canvas).putImageData(seen, 0, 0);
}
