"use strict";

// The error explorer: test images chosen by the predictions of the models. The choice is in
// the address, so that it can be shared and the browser can go back to it.

/**
 * @typedef {object} ExploredModel
 * @property {string} name
 * @property {string} series
 * @property {string} section
 * @property {number[]} counts by actual and predicted class
 * @property {boolean} [labels_alone] whether only its predicted classes are known
 *
 * @typedef {object} Explored
 * @property {string} name
 * @property {{ sheet: string, columns: number, border: number, size: [number, number] }} layout
 * @property {string[]} classes
 * @property {ExploredModel[]} models
 * @property {number} answers
 * @property {number} total
 * @property {number[]} label_issues test images whose label is probably wrong, in their order
 * @property {string[]} files of each sample; empty where they have no files of their own
 * @property {string} samples
 *
 * @typedef {object} Sample
 * @property {number} index
 * @property {string | undefined} file
 * @property {number} place
 * @property {number} actual
 * @property {{ ofActual: number, top: { class: number, p: number }[] }[]} predictions by model
 *
 * @typedef {object} Choice
 * @property {number} group
 * @property {number} model
 * @property {string} show
 * @property {string} actual a class's number, or "" for any
 * @property {string} predicted
 */

/** Images shown at first, and with every "Show more". */
const SHOTS = 60;
/** A mistake is confident from this probability on. */
const CONFIDENT = 0.9;

/** @type {{ groups: Explored[], samples: Map<number, Sample[]>, choice: Choice, shown: number }} */
const explorer = {
  groups: [],
  samples: new Map(),
  choice: { group: 0, model: 0, show: "mistakes", actual: "", predicted: "" },
  shown: SHOTS,
};

function errorExplorer() {
  explorer.groups = dataOf("explorer-data") ?? [];
  if (explorer.groups.length === 0) return;
  reveal("explorer");
  byId("explorer-group-choice").hidden = explorer.groups.length === 1;
  const pick = explorerSelects();
  fillSelect(
    pick.group,
    explorer.groups.map((group) => group.name),
  );
  for (const [key, select] of Object.entries(pick)) {
    select.addEventListener("change", () => {
      const choice = { ...explorer.choice, [key]: select.value };
      if (key === "group") Object.assign(choice, { model: 0, actual: "", predicted: "" });
      choose({ ...choice, group: Number(choice.group), model: Number(choice.model) });
    });
  }
  for (const radio of explorerRadios()) {
    radio.addEventListener("change", () => choose({ ...explorer.choice, show: radio.value }));
  }
  byId("explorer-more").addEventListener("click", () => {
    const first = explorer.shown;
    explorer.shown += SHOTS;
    showShots();
    shotButtons()[first]?.focus({ preventScroll: true });
  });
  byId("explorer-shots").addEventListener("keydown", moveAmongShots);
  addEventListener("hashchange", followAddress);
  addEventListener("popstate", followAddress);
  if (!followAddress()) showChoice();
  linkImages();
}

/** Links the sections on shared errors and on labels to the images. */
function linkImages() {
  if (explorer.groups.length !== 1) return;
  const [group] = explorer.groups;
  /** @type {[string, string, boolean][]} */
  const links = [
    ["#agreement > p", "all", group.models.length > 1],
    ["#labels > p", "labels", group.label_issues.length > 0],
  ];
  for (const [selector, show, some] of links) {
    const lead = document.querySelector(selector);
    if (!lead || !some) continue;
    const link = make("a", "", "Show them");
    link.href = `#explorer/0/0/${show}//`;
    lead.append(" ", link, ".");
  }
}

function explorerSelects() {
  /** @param {string} id */
  const select = (id) => /** @type {HTMLSelectElement} */ (byId(id));
  return {
    group: select("explorer-group"),
    model: select("explorer-model"),
    actual: select("explorer-actual"),
    predicted: select("explorer-predicted"),
  };
}

function explorerRadios() {
  return [...byId("explorer-show").querySelectorAll("input")];
}

/** The images of the chosen dataset, unpacked at their first use. */
function explorerSamples() {
  const at = explorer.choice.group;
  const known = explorer.samples.get(at);
  if (known) return known;
  const unpacked = unpackSamples(explorer.groups[at]);
  explorer.samples.set(at, unpacked);
  return unpacked;
}

/**
 * Reads what page/explorer.rs packed.
 * @param {Explored} group
 * @returns {Sample[]}
 */
function unpackSamples(group) {
  const words = wordsOf(group.samples);
  const perModel = 1 + 2 * group.answers;
  const row = 4 + group.models.length * perModel;
  const p = (/** @type {number} */ at) => words[at] / 65535;
  return Array.from({ length: words.length / row }, (_, sample) => {
    const at = sample * row;
    return {
      index: words[at] + 65536 * words[at + 1],
      file: group.files[sample],
      place: words[at + 2],
      actual: words[at + 3],
      predictions: group.models.map((_, model) => {
        const from = at + 4 + model * perModel;
        const top = Array.from({ length: group.answers }, (_, rank) => ({
          class: words[from + 1 + 2 * rank],
          p: p(from + 2 + 2 * rank),
        }));
        return { ofActual: p(from), top };
      }),
    };
  });
}

/**
 * Whether the prediction of a model is wrong.
 * @param {Sample} sample
 * @param {number} model
 */
function isMiss(sample, model) {
  return sample.predictions[model].top[0].class !== sample.actual;
}

/**
 * The place of an image among the labels that are probably wrong; -1 if it is not one of them.
 * @param {Sample} sample
 */
function labelRank({ index }) {
  return explorer.groups[explorer.choice.group].label_issues.indexOf(index);
}

/**
 * The images of a choice, in their order.
 * @param {Choice} choice
 * @returns {Sample[]}
 */
function chosenSamples({ model, show, actual, predicted }) {
  const { labels_alone } = explorer.groups[explorer.choice.group].models[model];
  // Nothing is known of how confident such a model is.
  if (labels_alone && ["confident", "least"].includes(show)) return [];
  const confidence = (/** @type {Sample} */ it) => it.predictions[model].top[0].p;
  const misses = (/** @type {Sample} */ it) =>
    it.predictions.filter((_, m) => isMiss(it, m)).length;
  /** @type {Record<string, (it: Sample) => boolean>} */
  const filters = {
    every: () => true,
    mistakes: (it) => isMiss(it, model),
    confident: (it) => isMiss(it, model) && confidence(it) >= CONFIDENT,
    only: (it) => isMiss(it, model) && misses(it) === 1,
    all: (it) => misses(it) === it.predictions.length,
    labels: (it) => labelRank(it) >= 0,
    least: () => true,
  };
  const found = explorerSamples()
    .filter(filters[show] ?? filters.mistakes)
    .filter((it) => actual === "" || it.actual === Number(actual))
    .filter((it) => predicted === "" || it.predictions[model].top[0].class === Number(predicted));
  if (show === "confident")
    found.sort((a, b) => confidence(b) - confidence(a) || a.index - b.index);
  if (show === "labels") found.sort((a, b) => labelRank(a) - labelRank(b));
  if (show === "least") found.sort((a, b) => confidence(a) - confidence(b) || a.index - b.index);
  return show === "least" ? found.slice(0, SHOTS) : found;
}

/**
 * Shows another choice; with `jump` if it was made elsewhere in the page.
 * @param {Choice} choice
 * @param {boolean} [jump]
 */
function choose(choice, jump = false) {
  explorer.choice = choice;
  const { group, model, show, actual, predicted } = choice;
  const address = `#explorer/${group}/${model}/${show}/${actual}/${predicted}`;
  try {
    if (jump) history.pushState(null, "", address);
    else history.replaceState(null, "", address);
  } catch {
    // Some browsers keep no history for a page opened from a file.
  }
  showChoice();
  if (jump) arriveAtExplorer();
}

function arriveAtExplorer() {
  const head = byId("explorer-found");
  byId("explorer").scrollIntoView();
  head.focus({ preventScroll: true });
}

/** Shows the choice in the address; false if there is none. */
function followAddress() {
  const [name, ...parts] = addressed().split("/");
  if (name !== "explorer" || parts.length !== 5) return false;
  const [group, model] = parts.slice(0, 2).map(Number);
  const [show, actual, predicted] = parts.slice(2);
  if (!explorer.groups[group]?.models[model]) return false;
  const classes = explorer.groups[group].classes.length;
  const known = (/** @type {string} */ it) =>
    it === "" || (/^\d+$/.test(it) && Number(it) < classes);
  const shows = explorerRadios().some((radio) => radio.value === show);
  if (!shows || !known(actual) || !known(predicted)) return false;
  explorer.choice = { group, model, show, actual, predicted };
  showChoice();
  byId("explorer").scrollIntoView();
  return true;
}

/** Sets the controls to the choice, and shows its images. */
function showChoice() {
  const { choice } = explorer;
  const group = explorer.groups[choice.group];
  const pick = explorerSelects();
  const names = group.models.map((model) => model.name);
  fillSelect(pick.model, names);
  fillSelect(pick.actual, group.classes, "any");
  fillSelect(pick.predicted, group.classes, "any");
  for (const [key, select] of Object.entries(pick)) {
    select.value = String(choice[/** @type {keyof Choice} */ (key)]);
  }
  for (const radio of explorerRadios()) {
    radio.checked = radio.value === choice.show;
    const count = chosenSamples({ ...choice, show: radio.value }).length;
    const label = /** @type {HTMLElement} */ (radio.closest("label"));
    // With one model, the errors of all models and of only this model are its mistakes.
    const same = group.models.length === 1 && ["all", "only"].includes(radio.value);
    label.hidden = same || (radio.value === "labels" && group.label_issues.length === 0);
    /** @type {HTMLElement} */ (label.querySelector("small")).textContent = String(count);
  }
  explorer.shown = SHOTS;
  byId("explorer-detail").replaceChildren();
  showShots();
}

function showShots() {
  const { choice } = explorer;
  const group = explorer.groups[choice.group];
  const found = chosenSamples(choice);
  const tiles = found
    .slice(0, explorer.shown)
    .map((sample, at) => make("li", "", shot(group, sample, choice.model, at)));
  byId("explorer-shots").replaceChildren(...tiles);
  byId("explorer-more").hidden = found.length <= explorer.shown;
  byId("explorer-found").textContent = foundInWords(group, choice, found.length);
}

/**
 * @param {Explored} group
 * @param {Choice} choice
 * @param {number} found
 */
function foundInWords(group, choice, found) {
  const { name } = group.models[choice.model];
  const images = found === 1 ? "1 image" : `${found} images`;
  const words = [];
  if (choice.actual !== "") words.push(`actual ${group.classes[Number(choice.actual)]}`);
  if (choice.predicted !== "")
    words.push(`predicted ${group.classes[Number(choice.predicted)]} by ${name}`);
  const what = words.length > 0 ? `: ${words.join(", ")}` : "";
  const inData = inTestData(group, choice) ?? found;
  const some = `. The test data has ${inData.toLocaleString("en")}: not all of them are in this page.`;
  return images + what + (inData > found ? some : ".");
}

/**
 * The number of images in the whole test data that a choice includes; `null` where the page
 * has no counts.
 * @param {Explored} group
 * @param {Choice} choice
 */
function inTestData({ classes, models }, { model, show, actual, predicted }) {
  const { counts } = models[model];
  if (counts.length === 0 || !["every", "mistakes"].includes(show)) return null;
  const wanted = (/** @type {number} */ row, /** @type {number} */ column) =>
    (actual === "" || Number(actual) === row) &&
    (predicted === "" || Number(predicted) === column) &&
    (show === "every" || row !== column);
  return counts
    .filter((_, at) => wanted(Math.floor(at / classes.length), at % classes.length))
    .reduce((sum, count) => sum + count, 0);
}

/**
 * An image of a test set, cut from its sheet.
 * @param {Explored} group
 * @param {Sample} sample
 */
function imageOf({ layout }, { place }) {
  const [width, height] = layout.size;
  const x = (place % layout.columns) * (width + 2 * layout.border) + layout.border;
  const y = Math.floor(place / layout.columns) * (height + 2 * layout.border) + layout.border;
  const use = makeSvg("use", { href: `#${layout.sheet}` });
  return makeSvg("svg", { viewBox: `${x} ${y} ${width} ${height}`, "aria-hidden": "true" }, use);
}

/**
 * An image as a button that shows the predictions of every model.
 * @param {Explored} group
 * @param {Sample} sample
 * @param {number} model
 * @param {number} at
 */
function shot(group, sample, model, at) {
  const { top } = sample.predictions[model];
  const [actual, predicted] = [group.classes[sample.actual], group.classes[top[0].class]];
  const miss = isMiss(sample, model);
  const classes = make("span", "classes", make("b", "", actual), ` | ${predicted}`);
  const { labels_alone } = group.models[model];
  const mark = miss ? "✗" : "✓";
  const probability = make(
    "span",
    "probability",
    labels_alone ? mark : `${mark} ${percent(top[0].p)}`,
  );
  for (const part of [classes, probability]) part.setAttribute("aria-hidden", "true");
  const given = labels_alone ? "" : ` with ${percent(top[0].p)}`;
  const words = `Test image ${sample.index}: actual ${actual}, predicted ${predicted}${given}`;
  const unseen = make("span", "unseen", words);
  const button = make(
    "button",
    miss ? "miss" : "",
    imageOf(group, sample),
    unseen,
    classes,
    probability,
  );
  button.type = "button";
  button.setAttribute("aria-pressed", "false");
  // One stop for the tab key; arrows move between the images.
  button.tabIndex = at === 0 ? 0 : -1;
  button.addEventListener("click", () => {
    for (const other of shotButtons()) {
      other.setAttribute("aria-pressed", String(other === button));
      other.tabIndex = other === button ? 0 : -1;
    }
    byId("explorer-detail").replaceChildren(...detail(group, sample));
  });
  return button;
}

function shotButtons() {
  return [...byId("explorer-shots").querySelectorAll("button")];
}

/** @param {KeyboardEvent} event */
function moveAmongShots(event) {
  const buttons = shotButtons();
  const at = buttons.findIndex((button) => button === document.activeElement);
  if (at < 0) return;
  const top = buttons[0].getBoundingClientRect().top;
  const first = buttons.findIndex((button) => button.getBoundingClientRect().top > top + 1);
  const columns = first < 0 ? buttons.length : first;
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
  const step = steps[/** @type {keyof typeof steps} */ (event.key)];
  const to = { Home: 0, End: buttons.length - 1 }[event.key] ?? (step ? at + step : -1);
  if (!buttons[to]) return;
  event.preventDefault();
  buttons[at].tabIndex = -1;
  buttons[to].tabIndex = 0;
  buttons[to].focus();
}

/**
 * The predictions of every model for an image.
 * @param {Explored} group
 * @param {Sample} sample
 */
function detail(group, sample) {
  const head = make("h3", "", `Test image ${sample.index}`);
  const actual = make("p", "", "Actual: ", make("strong", "", group.classes[sample.actual]));
  const file = make("p", "file", sample.file ?? "");
  file.hidden = sample.file === undefined;
  const rows = group.models.map((model, at) => {
    const { top, ofActual } = sample.predictions[at];
    const shown = model.labels_alone ? 1 : 3;
    const classes = top.slice(0, shown).map(({ class: predicted, p }) => {
      const right = predicted === sample.actual;
      const name = make("span", "class", group.classes[predicted]);
      if (model.labels_alone) return make("div", "class-probability", name);
      const bar = shareBar(p, right ? "right" : "wrong");
      return make("div", "class-probability", name, bar, make("span", "n", percent(p)));
    });
    const rank = top.findIndex(({ class: predicted }) => predicted === sample.actual);
    if (!model.labels_alone && (rank < 0 || rank > 2)) {
      const name = make("span", "class", group.classes[sample.actual]);
      const bar = shareBar(ofActual, "right");
      classes.push(
        make("div", "class-probability", name, bar, make("span", "n", percent(ofActual))),
      );
    }
    const result = make("span", isMiss(sample, at) ? "bad" : "good");
    result.textContent = isMiss(sample, at) ? "✗ wrong" : "✓ correct";
    return make("div", "prediction", make("h4", "", modelName(model), " ", result), ...classes);
  });
  return [imageOf(group, sample), make("div", "", head, actual, file), ...rows];
}
