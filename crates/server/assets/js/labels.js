// Corrections: one click says what an answer should have been.

import * as api from "./api.js";
import { byId, count, element } from "./dom.js";
import { showCorrections } from "./sections.js";

/** The answer that can be corrected: its model, pixels and class. */
let current = null;
/** Those that were corrected: once for each image. */
const corrected = new WeakSet();

const buttons = () => [...byId("labels").children];

function enable() {
  for (const button of buttons()) {
    button.disabled = !current || corrected.has(current.pixels);
    button.classList.toggle("predicted", button.textContent === current?.class);
  }
}

/** Shows a button for each class. */
export function showLabels(classes) {
  byId("correct").hidden = classes.length === 0;
  if (
    classes.join("\n") ===
    buttons()
      .map((it) => it.textContent)
      .join("\n")
  )
    return;
  byId("labels").replaceChildren(
    ...classes.map((label) =>
      element("button", { type: "button", text: label, onclick: () => correct(label) }),
    ),
  );
  enable();
}

/** What the buttons correct from now on; `null` for nothing. */
export function correctable(answer) {
  current = answer;
  enable();
}

async function correct(label) {
  const { model, pixels } = current;
  corrected.add(pixels);
  enable();
  try {
    const kept = await api.correct({ pixels, label, model });
    const answer = kept.predicted === label ? "is correct" : `answers ${kept.predicted}`;
    byId("saved").replaceChildren(
      `Saved as ${label} (${model.split("/").pop()} ${answer}): ${count(kept.count, "image", "images")} of your own. `,
      element("button", { type: "button", text: "Undo", onclick: () => undo(kept, pixels) }),
    );
    await showCorrections();
  } catch (problem) {
    byId("saved").textContent = `Not saved: ${problem.message}`;
    corrected.delete(pixels);
    enable();
  }
}

async function undo(kept, pixels) {
  for (const button of byId("saved").querySelectorAll("button")) button.disabled = true;
  try {
    await api.undoCorrection(kept);
    byId("saved").textContent = "Undone.";
    corrected.delete(pixels);
    enable();
    await showCorrections();
  } catch (problem) {
    byId("saved").textContent = `Not undone: ${problem.message}`;
  }
}
