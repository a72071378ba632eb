// The page: connects the drawing area, the requests and the answers.

import * as api from "./api.js";
import { top } from "./bars.js";
import { Boxes } from "./boxes.js";
import { Camera, hasCamera } from "./camera.js";
import { Cards } from "./cards.js";
import { Crop } from "./crop.js";
import { byId, element, percent } from "./dom.js";
import { correctable, showLabels } from "./labels.js";
import { LatestRequest } from "./latest.js";
import { Numbers, readWords } from "./numbers.js";
import { Pad } from "./pad.js";
import { picture } from "./pixels.js";
import { Result } from "./result.js";
import { followTraining, showCorrections, showExamples, showReports } from "./sections.js";
import { remember, remembered, theme } from "./theme.js";

const EXPLAIN = ["neighbours", "saliency", "features"];
const INVITATION = "Draw a digit or a number, or choose an image.";

theme(byId("theme"));
const pad = new Pad(byId("pad"), byId("cursor"));
const cards = new Cards(byId("cards"));
const result = new Result(byId("result"));
const boxes = new Boxes(byId("boxes"), byId("paper"), chooseDigit);
const numbers = new Numbers(byId("numbers"), chooseDigit);
const crop = new Crop(byId("crop-area"), byId("crop"));
const select = byId("model");
let models = [];
/** The numbers that are shown, if any. */
let read = null;
/** Whether every digit is read, although there seems to be one. */
let every = false;
/** Whether the pen was still when the last request was sent. */
let settled = true;

// ---- Models

async function loadModels() {
  const list = await api.models();
  models = list.models;
  cards.models = models;
  const wanted =
    select.value ||
    new URLSearchParams(location.search).get("model") ||
    remembered("bakeoff-model") ||
    "";
  const options = models.map(({ name }) => element("option", { value: name, text: name }));
  select.replaceChildren(element("option", { value: "", text: "All, side by side" }), ...options);
  const named = models.find(({ name }) => name === wanted || name.split("/").pop() === wanted);
  select.value = named ? named.name : "";
  byId("unreadable").replaceChildren(
    ...list.unreadable.map(({ name, reason }) =>
      element("li", { text: `${name} cannot be read: ${reason}` }),
    ),
  );
  if (byId("labels").children.length === 0) showLabels(models[0]?.classes ?? []);
  await showExamples((example) => pad.showExample(example));
  if (models.length > 0 && !pad.empty) predict(true);
}

select.addEventListener("change", () => {
  remember("bakeoff-model", select.value);
  requests.cancel();
  cards.clear();
  if (!pad.empty) predict(true);
});

// ---- Requests and answers

const requests = new LatestRequest((answer, problem) => {
  if (problem) showProblem(problem);
  else if (answer?.rows) showNumbers(answer);
  else if (answer) showAnswer(answer);
});

function predict(still) {
  if (models.length === 0) {
    reset("There are no models yet.");
    return;
  }
  requests.send(async () => {
    settled = still;
    if (pad.empty) return null;
    const chosen = select.value ? [select.value] : [];
    const explain = still ? EXPLAIN : [];
    const subject = await pad.subject();
    if (subject.pixels) return api.predictPixels(subject.pixels, chosen, explain);
    try {
      if (!every) return await api.predictPicture(subject.file, chosen, explain);
    } catch (problem) {
      if (problem.code !== "several-drawings") throw problem;
    }
    const found = await api.readNumbers(subject.file, chosen);
    return { ...found, place: subject.place };
  });
}

/** Cancels all requests and shows no answer. */
function reset(words = INVITATION) {
  requests.cancel();
  cards.clear();
  clearNumbers();
  result.clear();
  correctable(null);
  byId("every").disabled = pad.empty;
  showVerdict(words, true);
  byId("live").textContent = words === INVITATION ? "" : words;
  for (const id of ["seen", "problem"]) byId(id).hidden = true;
}

function readEvery(on) {
  every = on;
  byId("every").setAttribute("aria-pressed", String(on));
}

byId("every").addEventListener("click", () => {
  readEvery(!every);
  if (!pad.empty) predict(true);
});

function clearNumbers() {
  read = null;
  numbers.clear();
  boxes.clear();
}

function showProblem(problem) {
  reset(problem.code === "nothing-drawn" ? "Nothing drawn." : "No answer.");
  byId("problem").textContent = problem.message;
  byId("problem").hidden = false;
}

function showVerdict(words, unanimous) {
  byId("verdict").textContent = words;
  byId("verdict").classList.toggle("disagree", !unanimous);
  // Read aloud when the pen is still, not at every move.
  if (settled) byId("live").textContent = words;
}

function showAnswer({ verdict, inputs, predictions, failures }) {
  clearNumbers();
  byId("problem").hidden = true;
  // Examples are single digits, and there is nothing to find in them.
  byId("every").disabled = pad.picture?.kind === "example";
  cards.show({ predictions, failures, verdict }, settled);
  showVerdict(verdict.words, verdict.unanimous);
  const [best] = predictions;
  showSeen(inputs, Boolean(best?.doubt));
  if (best) {
    const { model, class: label, confidence, doubt, probabilities } = best;
    const { shape, pixels } = inputs[best.input];
    const others = verdict.unanimous
      ? predictions.length > 1
        ? `, as all ${predictions.length} models`
        : ""
      : predictions
          .filter((other) => other.class !== label)
          .map((other) => `; ${shortName(other.model)} says ${other.class}`)
          .join("");
    result.say(label, doubt, `${shortName(model)}, ${percent(confidence)}${others}`);
    result.show(shape, pixels, top(probabilities));
    showLabels(probabilities.map((it) => it.class));
    correctable({ model, pixels, class: label });
  } else {
    result.clear();
    correctable(null);
  }
  if (predictions.some(({ model }) => !cards.knows(model))) loadModels().catch(showProblem);
}

const shortName = (model) => model.split("/").pop();

// ---- Several digits

function showNumbers(found) {
  cards.clear();
  byId("problem").hidden = true;
  byId("seen").hidden = true;
  byId("every").disabled = !every;
  const digits = found.rows.flat().filter(Boolean);
  read = { ...found, digits };
  showVerdict(readWords(found), true);
  numbers.show(found);
  if (found.place) boxes.show(digits, found.place);
  else boxes.clear();
  const unsure = digits.findIndex((digit) => digit.doubt);
  if (unsure >= 0) showWarnings(byId("numbers"), found.warnings);
  else if (found.warnings.length > 0) {
    const seen = element("details", {}, element("summary", { text: "What the model saw" }));
    showWarnings(seen, found.warnings);
    byId("numbers").append(seen);
  }
  const info = models.find(({ name }) => name === found.model);
  if (info) showLabels(info.classes);
  chooseDigit(Math.max(unsure, 0));
}

/** Shows the details of one digit, which can then be corrected. */
function chooseDigit(at) {
  const digit = read?.digits[at];
  if (!digit) return;
  const { model, shape, rows, table, text, digits } = read;
  const one = rows.length === 1 && !table;
  const which = one ? `digit ${at + 1}: ${digit.class}` : `digit ${at + 1} of ${digits.length}`;
  result.say(
    one ? text : digit.class,
    one ? (digits.find((it) => it.doubt)?.doubt ?? null) : digit.doubt,
    `${which}, ${percent(digit.probability)} by ${shortName(model)}`,
  );
  result.show(shape, digit.pixels, digit.top);
  numbers.mark(at);
  boxes.mark(at);
  correctable({ model, pixels: digit.pixels, class: digit.class });
}

// ---- What the models see

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

function showWarnings(root, warnings) {
  const items = warnings.map((text) => element("li", { text: sentence(text) }));
  if (items.length > 0) root.append(element("ul", { class: "warnings" }, ...items));
}

/** Most warnings stand beside right answers: they are shown at once only where it is unsure. */
function showSeen(inputs, unsure) {
  const parts = inputs.map(({ shape, pixels, steps, warnings }) => {
    const size = `${shape.width}×${shape.height}`;
    const preparation =
      steps.length > 0
        ? element(
            "details",
            {},
            element("summary", { text: "How it was prepared" }),
            element("ol", {}, ...steps.map((text) => element("li", { text: sentence(text) }))),
          )
        : element("p", { class: "note", text: "A test image, given to the models unchanged." });
    const caption = element(
      "figcaption",
      {},
      element("strong", { text: `What the models see (${size})` }),
    );
    if (unsure) showWarnings(caption, warnings);
    caption.append(preparation);
    if (!unsure) showWarnings(preparation, warnings);
    return element(
      "figure",
      {},
      picture(shape, pixels, `The ${size} image that the models see`),
      caption,
    );
  });
  // An open list of steps stays open while one draws.
  const open = [...byId("seen").querySelectorAll("details")].map((it) => it.open);
  byId("seen").replaceChildren(...parts);
  for (const [at, it] of byId("seen").querySelectorAll("details").entries()) {
    it.open = open[at] ?? false;
  }
  byId("seen").hidden = false;
}

// ---- The drawing

pad.addEventListener("change", ({ detail: { drawing } }) => {
  byId("undo").disabled = !pad.canUndo;
  byId("redo").disabled = !pad.canRedo;
  const empty = pad.empty;
  byId("clear").disabled = empty;
  byId("hint").hidden = !empty;
  byId("saved").textContent = "";
  const { picture: shown } = pad;
  byId("paper").classList.toggle("shows-picture", Boolean(shown));
  showCrop();
  byId("source").textContent = !shown
    ? ""
    : shown.kind === "file"
      ? `Image: ${shown.file.name || "pasted"}`
      : `Example: ${shown.example.class}, of ${shown.example.dataset}'s test images`;
  if (empty) {
    readEvery(false);
    reset();
  } else predict(!drawing);
});

// The eraser works on images; else a pointer drags a crop on them.
const showCrop = () => {
  const frame = pad.erasing ? null : pad.frame;
  crop.show(frame, pad.crop);
  byId("pad").tabIndex = frame ? -1 : 0;
  byId("whole").hidden = !pad.crop;
};
crop.addEventListener("crop", ({ detail }) => {
  requests.cancel();
  boxes.clear();
  pad.crop = detail;
});
byId("whole").addEventListener("click", () => {
  pad.crop = null;
  byId("crop").focus();
});

const erase = (on) => {
  pad.erasing = on;
  showCrop();
  byId("eraser").setAttribute("aria-pressed", String(on));
  byId("paper").classList.toggle("erasing", on);
};
const size = byId("size");
const setSize = (value) => {
  size.value = value;
  pad.brush = Number(size.value);
  remember("bakeoff-brush", size.value);
};
setSize(remembered("bakeoff-brush") ?? size.value);
size.addEventListener("input", () => setSize(size.value));
byId("undo").addEventListener("click", () => pad.undo());
byId("redo").addEventListener("click", () => pad.redo());
byId("clear").addEventListener("click", () => pad.clear());
byId("eraser").addEventListener("click", () => erase(!pad.erasing));

// ---- Images

const usePicture = (files) => {
  const [file] = files ?? [];
  if (!file) return false;
  requests.cancel();
  clearNumbers();
  readEvery(false);
  pad.showFile(file);
  return true;
};
for (const [button, input] of [
  ["choose", "file"],
  ["photograph", "camera"],
]) {
  byId(button).addEventListener("click", () => byId(input).click());
  byId(input).addEventListener("change", ({ target }) => {
    usePicture(target.files);
    // The same file may be chosen again.
    target.value = "";
  });
}
if (hasCamera()) {
  const camera = new Camera(
    byId("camera-view"),
    (frame) => usePicture([frame]),
    (error) => {
      byId("problem").textContent = `No camera: ${error.message}`;
      byId("problem").hidden = false;
    },
  );
  byId("live-camera").addEventListener("click", () => camera.open());
  byId("live-camera").hidden = false;
  byId("photograph").hidden = true;
}
document.addEventListener("paste", (event) => {
  if (usePicture(event.clipboardData?.files)) event.preventDefault();
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  byId("paper").classList.add("over");
});
for (const end of ["dragleave", "drop"])
  document.addEventListener(end, () => byId("paper").classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  usePicture(event.dataTransfer?.files);
});

// ---- Keyboard

const nextModel = () => {
  select.selectedIndex = (select.selectedIndex + 1) % select.options.length;
  select.dispatchEvent(new Event("change"));
  byId("live").textContent = select.selectedOptions[0].text;
};
const KEYS = {
  z: () => pad.undo(),
  y: () => pad.redo(),
  c: () => pad.clear(),
  Delete: () => pad.clear(),
  e: () => erase(!pad.erasing),
  "[": () => setSize(pad.brush - 1),
  "]": () => setSize(pad.brush + 1),
  m: nextModel,
  o: () => byId("file").click(),
};
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.target.matches("select, input, textarea")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey || event.metaKey) {
    if (key === "z") (event.shiftKey ? KEYS.y : KEYS.z)();
    else if (key === "y") KEYS.y();
    else return;
  } else if (KEYS[key]) KEYS[key]();
  else return;
  event.preventDefault();
});

// ---- Start

loadModels().catch(showProblem);
showCorrections().catch(showProblem);
showReports().catch(showProblem);
followTraining(async () => {
  await loadModels();
  await showReports();
}).catch(showProblem);
