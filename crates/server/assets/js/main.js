// The page: connects the drawing area, the requests and the answers.

import * as api from "./api.js";
import { Cards } from "./cards.js";
import { byId, count, element } from "./dom.js";
import { LatestRequest } from "./latest.js";
import { Pad } from "./pad.js";
import { picture } from "./pixels.js";
import { followTraining, showCorrections, showExamples, showReports } from "./sections.js";
import { remember, remembered, theme } from "./theme.js";

const EXPLAIN = ["neighbours", "saliency", "features"];
const INVITATION = "Draw a digit, or choose an image of one.";

theme(byId("theme"));
const pad = new Pad(byId("pad"), byId("cursor"));
const cards = new Cards(byId("cards"));
const select = byId("model");
let models = [];
/** The answer that is shown and can be corrected. */
let current = null;
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
    return subject.pixels
      ? api.predictPixels(subject.pixels, chosen, explain)
      : api.predictPicture(subject.file, chosen, explain);
  });
}

/** Cancels all requests and shows no answer. */
function reset(words = INVITATION) {
  requests.cancel();
  current = null;
  cards.clear();
  byId("verdict").textContent = words;
  byId("verdict").classList.remove("disagree");
  byId("summary").replaceChildren();
  byId("live").textContent = words === INVITATION ? "" : words;
  for (const id of ["seen", "correct", "problem"]) byId(id).hidden = true;
  byId("warnings").replaceChildren();
}

function showProblem(problem) {
  reset(problem.code === "nothing-drawn" ? "Nothing drawn." : "No answer.");
  byId("problem").textContent = problem.message;
  byId("problem").hidden = false;
}

function showAnswer(answer) {
  current = answer;
  byId("problem").hidden = true;
  cards.show(answer, settled);
  const { verdict, inputs, predictions } = answer;
  byId("verdict").textContent = verdict.words;
  byId("verdict").classList.toggle("disagree", !verdict.unanimous);
  // On a phone the answers are below the drawing; these are right under it.
  byId("summary").replaceChildren(
    ...predictions.map(({ model, class: answer }) =>
      element("span", {}, `${model.split("/").pop()} `, element("b", { text: answer })),
    ),
  );
  byId("summary").classList.toggle("disagree", !verdict.unanimous);
  // Read aloud when the pen is still, not at every move.
  if (settled) byId("live").textContent = verdict.words;
  byId("warnings").replaceChildren(
    ...[...new Set(inputs.flatMap((input) => input.warnings))].map((text) =>
      element("li", { text: sentence(text) }),
    ),
  );
  showSeen(inputs);
  showLabels(predictions);
  if (predictions.some(({ model }) => !cards.knows(model))) loadModels().catch(showProblem);
}

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

function showSeen(inputs) {
  const parts = inputs.map(({ shape, pixels, steps }) => {
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
    return element(
      "figure",
      {},
      picture(shape, pixels, `The ${size} image that the models see`),
      element(
        "figcaption",
        {},
        element("strong", { text: `What the models see (${size})` }),
        preparation,
      ),
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
  byId("source").hidden = !shown;
  byId("paper").classList.toggle("shows-picture", Boolean(shown));
  if (shown)
    byId("source").textContent =
      shown.kind === "file"
        ? `Image: ${shown.file.name || "pasted"}`
        : `Example: ${shown.example.class}, of ${shown.example.dataset}'s test images`;
  if (empty) reset();
  else predict(!drawing);
});

const erase = (on) => {
  pad.erasing = on;
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

// ---- Corrections

/** The prediction that is corrected. */
const corrected = () => current?.predictions[0];

function showLabels(predictions) {
  const [first] = predictions;
  byId("correct").hidden = !first;
  if (!first) return;
  const labels = first.probabilities.map((it) => it.class);
  const there = [...byId("labels").children].map((it) => it.textContent);
  if (labels.join("\n") === there.join("\n")) {
    for (const button of byId("labels").children) button.disabled = false;
    return;
  }
  byId("labels").replaceChildren(
    ...labels.map((label) =>
      element("button", { type: "button", text: label, onclick: () => correct(label) }),
    ),
  );
}

async function correct(label) {
  const prediction = corrected();
  if (!prediction) return;
  // Once for each image.
  for (const button of byId("labels").children) button.disabled = true;
  try {
    const { pixels } = current.inputs[prediction.input];
    const kept = await api.correct({ pixels, label, model: prediction.model });
    const answer = kept.predicted === label ? "is correct" : `answers ${kept.predicted}`;
    byId("saved").replaceChildren(
      `Saved as ${label} (${prediction.model} ${answer}): ${count(kept.count, "image", "images")} of your own. `,
      element("button", { type: "button", text: "Undo", onclick: () => undo(kept) }),
    );
    await showCorrections();
  } catch (problem) {
    byId("saved").textContent = `Not saved: ${problem.message}`;
    for (const button of byId("labels").children) button.disabled = false;
  }
}

async function undo(kept) {
  for (const button of byId("saved").querySelectorAll("button")) button.disabled = true;
  try {
    await api.undoCorrection(kept);
    byId("saved").textContent = "Undone.";
    for (const button of byId("labels").children) button.disabled = false;
    await showCorrections();
  } catch (problem) {
    byId("saved").textContent = `Not undone: ${problem.message}`;
  }
}

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
