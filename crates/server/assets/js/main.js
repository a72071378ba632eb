// The page: joins the drawing area, the questions and the answers.

import * as api from "./api.js";
import { Asker } from "./asker.js";
import { Cards } from "./cards.js";
import { byId, count, element } from "./dom.js";
import { Pad } from "./pad.js";
import { picture } from "./pixels.js";
import { followTraining, showCorrections, showExamples, showReports } from "./shelf.js";
import { remember, remembered, theme } from "./theme.js";

const EXPLAIN = ["neighbours", "saliency", "features"];
const INVITATION = "Draw a digit, or give a picture of one.";

theme(byId("theme"));
const pad = new Pad(byId("pad"), byId("cursor"));
const cards = new Cards(byId("cards"));
const select = byId("model");
let models = [];
/** The answer that is shown and may be corrected. */
let current = null;
/** Whether the pen rested when the last question was asked. */
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
      element("li", { text: `${name} cannot be used: ${reason}` }),
    ),
  );
  await showExamples((example) => pad.layExample(example));
  if (models.length > 0 && !pad.empty) question(true);
}

select.addEventListener("change", () => {
  remember("bakeoff-model", select.value);
  asker.forget();
  cards.clear();
  if (!pad.empty) question(true);
});

// ---- Questions and answers

const asker = new Asker((answer, problem) => {
  if (problem) showProblem(problem);
  else if (answer) showAnswer(answer);
});

function question(rests) {
  if (models.length === 0) {
    fresh("There are no models yet.");
    return;
  }
  asker.ask(async () => {
    settled = rests;
    if (pad.empty) return null;
    const chosen = select.value ? [select.value] : [];
    const explain = rests ? EXPLAIN : [];
    const subject = await pad.subject();
    return subject.pixels
      ? api.predictPixels(subject.pixels, chosen, explain)
      : api.predictPicture(subject.file, chosen, explain);
  });
}

/** Nothing is asked, nothing is shown. */
function fresh(words = INVITATION) {
  asker.forget();
  current = null;
  cards.clear();
  byId("verdict").textContent = words;
  byId("verdict").classList.remove("disagree");
  byId("glance").replaceChildren();
  byId("live").textContent = words === INVITATION ? "" : words;
  for (const id of ["seen", "teach", "problem"]) byId(id).hidden = true;
  byId("warnings").replaceChildren();
}

function showProblem(problem) {
  fresh(problem.code === "nothing-drawn" ? "Nothing drawn." : "No answer.");
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
  // On a telephone the answers are below the drawing; these stand right under it.
  byId("glance").replaceChildren(
    ...predictions.map(({ model, class: said }) =>
      element("span", {}, `${model.split("/").pop()} `, element("b", { text: said })),
    ),
  );
  byId("glance").classList.toggle("disagree", !verdict.unanimous);
  // Read aloud when the pen rests, not at every move.
  if (settled) byId("live").textContent = verdict.words;
  byId("warnings").replaceChildren(
    ...[...new Set(inputs.flatMap((input) => input.warnings))].map((text) =>
      element("li", { text: sentence(text) }),
    ),
  );
  showSeen(inputs);
  showTeach(predictions);
  if (predictions.some(({ model }) => !cards.knows(model))) loadModels().catch(tell);
}

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

function showSeen(inputs) {
  const parts = inputs.map(({ shape, pixels, steps }) => {
    const size = `${shape.width}×${shape.height}`;
    const did =
      steps.length > 0
        ? element(
            "details",
            {},
            element("summary", { text: "What was done" }),
            element("ol", {}, ...steps.map((text) => element("li", { text: sentence(text) }))),
          )
        : element("p", { class: "note", text: "A test picture, shown to the models as it is." });
    return element(
      "figure",
      {},
      picture(shape, pixels, `The ${size} picture that the models saw`),
      element("figcaption", {}, element("strong", { text: `What the models saw (${size})` }), did),
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
  byId("kept").textContent = "";
  const { laid } = pad;
  byId("source").hidden = !laid;
  byId("paper").classList.toggle("laid", Boolean(laid));
  if (laid)
    byId("source").textContent =
      laid.kind === "file"
        ? `Picture: ${laid.file.name || "pasted"}`
        : `Example: a ${laid.example.class} of ${laid.example.dataset}'s test pictures`;
  if (empty) fresh();
  else question(!drawing);
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

// ---- Pictures

const lay = (files) => {
  const [file] = files ?? [];
  if (!file) return false;
  asker.forget();
  pad.layFile(file);
  return true;
};
for (const [button, input] of [
  ["choose", "file"],
  ["photograph", "camera"],
]) {
  byId(button).addEventListener("click", () => byId(input).click());
  byId(input).addEventListener("change", ({ target }) => {
    lay(target.files);
    // The same file may be chosen again.
    target.value = "";
  });
}
document.addEventListener("paste", (event) => {
  if (lay(event.clipboardData?.files)) event.preventDefault();
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  byId("paper").classList.add("over");
});
for (const end of ["dragleave", "drop"])
  document.addEventListener(end, () => byId("paper").classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  lay(event.dataTransfer?.files);
});

// ---- Corrections

/** The prediction that a correction is about. */
const corrected = () => current?.predictions[0];

function showTeach(predictions) {
  const [first] = predictions;
  byId("teach").hidden = !first;
  if (!first) return;
  const labels = first.probabilities.map((it) => it.class);
  const there = [...byId("labels").children].map((it) => it.textContent);
  if (labels.join("\n") === there.join("\n")) {
    for (const button of byId("labels").children) button.disabled = false;
    return;
  }
  byId("labels").replaceChildren(
    ...labels.map((label) =>
      element("button", { type: "button", text: label, onclick: () => teach(label) }),
    ),
  );
}

async function teach(label) {
  const prediction = corrected();
  if (!prediction) return;
  // Once for each picture.
  for (const button of byId("labels").children) button.disabled = true;
  try {
    const { pixels } = current.inputs[prediction.input];
    const kept = await api.correct({ pixels, label, model: prediction.model });
    const right = kept.predicted === label ? "was right" : `said ${kept.predicted}`;
    byId("kept").replaceChildren(
      `Kept as ${label} (${prediction.model} ${right}): ${count(kept.count, "picture", "pictures")} of your own. `,
      element("button", { type: "button", text: "Take it back", onclick: () => takeBack(kept) }),
    );
    await showCorrections();
  } catch (problem) {
    byId("kept").textContent = `Not kept: ${problem.message}`;
    for (const button of byId("labels").children) button.disabled = false;
  }
}

async function takeBack(kept) {
  for (const button of byId("kept").querySelectorAll("button")) button.disabled = true;
  try {
    await api.takeBack(kept);
    byId("kept").textContent = "Taken back.";
    for (const button of byId("labels").children) button.disabled = false;
    await showCorrections();
  } catch (problem) {
    byId("kept").textContent = `Not taken back: ${problem.message}`;
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

// ---- Begin

const tell = (problem) => showProblem(problem);
loadModels().catch(tell);
showCorrections().catch(tell);
showReports().catch(tell);
followTraining(async () => {
  await loadModels();
  await showReports();
}).catch(tell);
