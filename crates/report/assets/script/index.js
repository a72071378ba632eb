"use strict";

// Two runs side by side: those whose boxes are checked. The address contains the choice.

/**
 * @typedef {object} Written
 * @property {number} value
 * @property {string} text
 * @property {[number, number] | null} range of a time
 *
 * @typedef {object} IndexModel means over a model's fits
 * @property {string} name
 * @property {number} fits
 * @property {(Written | null)[]} values in the order of the measures
 *
 * @typedef {object} IndexRun
 * @property {string} folder
 * @property {string} experiment
 * @property {string} planned_at
 * @property {{ name: string, test: string, models: IndexModel[] }[]} datasets
 *
 * @typedef {object} Measure
 * @property {string} label
 * @property {boolean} ratio whether two values are compared by their ratio
 * @property {boolean} timed
 * @property {number} scale
 * @property {number} decimals
 * @property {string} unit of a difference
 */

/** @param {number} value */
function signed(value, digits = 2) {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return "±0";
  return (value < 0 ? "−" : "+") + text;
}

/**
 * @param {number} value
 * @param {number} other
 */
function ratio(value, other) {
  const times = value / other;
  if (!Number.isFinite(times) || times === 0) return "";
  return `${times < 1.095 && times > 0.905 ? times.toFixed(2) : times.toPrecision(2)}×`;
}

/** @type {Measure[]} */
const MEASURES = dataOf("measures-data") ?? [];

function sideBySide() {
  /** @type {IndexRun[]} */
  const runs = dataOf("runs-data") ?? [];
  const boxes = [...document.querySelectorAll("input.choose")].filter(
    (it) => it instanceof HTMLInputElement,
  );
  if (runs.length < 2) return;
  /** @type {number[]} in the order in which they were chosen */
  let chosen = [];
  const show = () => {
    for (const box of boxes) box.checked = chosen.includes(Number(box.value));
    const both = chosen.length === 2;
    byId("side-by-side").hidden = !both;
    // The older one first, whichever was ticked first.
    const [a, b] = [...chosen].sort((x, y) =>
      runs[x].planned_at.localeCompare(runs[y].planned_at, "en"),
    );
    byId("side").replaceChildren(...(both ? comparison(runs[a], runs[b]) : []));
  };
  for (const box of boxes) {
    box.hidden = false;
    box.addEventListener("change", () => {
      const number = Number(box.value);
      chosen = chosen.filter((it) => it !== number);
      // A third choice takes the place of the first.
      if (box.checked) chosen = [...chosen, number].slice(-2);
      remember(chosen.map((it) => runs[it].folder));
      show();
      if (chosen.length === 2) byId("side-by-side").scrollIntoView({ block: "nearest" });
    });
  }
  const [name, ...folders] = addressed().split("/");
  if (name === "side-by-side") {
    const numbers = folders.map((folder) => runs.findIndex((run) => run.folder === folder));
    chosen = numbers.filter((it) => it >= 0).slice(0, 2);
  }
  show();
}

/** @param {string[]} folders */
function remember(folders) {
  const address = `#${["side-by-side", ...folders].map(encodeURIComponent).join("/")}`;
  try {
    history.replaceState(null, "", folders.length > 0 ? address : "#");
  } catch {
    // Some browsers keep no history for a page opened from a file.
  }
}

/**
 * @param {IndexRun} a
 * @param {IndexRun} b
 */
function comparison(a, b) {
  const names = [...new Set([...a.datasets, ...b.datasets].map((data) => data.name))];
  return names.flatMap((name) => {
    const [of, to] = [a, b].map((run) => run.datasets.find((data) => data.name === name));
    const head = make("h3", "", make("bdi", "", name));
    if (!of || !to) {
      const lacking = of ? b.folder : a.folder;
      return [head, make("p", "", `Not compared: ${lacking} has no results on this dataset.`)];
    }
    if (of.test !== to.test) {
      const words =
        "Not compared: the two runs have different test images, so a difference would say nothing about the models.";
      return [head, make("p", "problem", words)];
    }
    return [head, comparedTable(a, b, of.models, to.models)];
  });
}

/**
 * @param {IndexRun} a
 * @param {IndexRun} b
 * @param {IndexModel[]} ofA
 * @param {IndexModel[]} ofB
 */
function comparedTable(a, b, ofA, ofB) {
  const table = make("table", "side");
  const caption = make("caption", "");
  caption.textContent = `${b.folder} against ${a.folder}: the same test images, means over seeds`;
  const heads = ["model", "run", ...MEASURES.map((measure) => measure.label)].map((label, at) => {
    const head = make("th", at > 1 ? "n" : "", label);
    head.scope = "col";
    return head;
  });
  table.append(caption, make("thead", "", make("tr", "", ...heads)));
  for (const name of new Set([...ofB, ...ofA].map((model) => model.name))) {
    const [first, second] = [ofA, ofB].map((models) => models.find((it) => it.name === name));
    const body = make("tbody", "");
    const head = make("th", "", make("bdi", "", name));
    head.scope = "rowgroup";
    head.rowSpan = 3;
    body.append(
      make("tr", "", head, ...valueCells(a.folder, first)),
      make("tr", "", ...valueCells(b.folder, second)),
      make("tr", "change", ...changeCells(first, second)),
    );
    table.append(body);
  }
  const scroll = make("div", "scroll", table);
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "group");
  scroll.setAttribute("aria-label", caption.textContent);
  return scroll;
}

/**
 * @param {string} folder
 * @param {IndexModel | undefined} model
 */
function valueCells(folder, model) {
  const values = MEASURES.map((_, at) => make("td", "n", model?.values[at]?.text ?? "–"));
  return [make("td", "", make("bdi", "", folder)), ...values];
}

/**
 * A ratio only where it is no noise; nothing where a run does not say how sure its times are.
 * @param {Written} from
 * @param {Written} to
 */
function timeChange(from, to) {
  if (!from.range || !to.range) return "";
  const overlap = from.range[0] <= to.range[1] && to.range[0] <= from.range[1];
  return overlap ? "within noise" : ratio(to.value, from.value);
}

/**
 * @param {IndexModel | undefined} first
 * @param {IndexModel | undefined} second
 */
function changeCells(first, second) {
  const changes = MEASURES.map(({ ratio: byRatio, timed, scale, decimals, unit }, at) => {
    const [from, to] = [first?.values[at], second?.values[at]];
    if (!from || !to) return make("td", "n", "");
    if (timed) return make("td", "n", timeChange(from, to));
    const difference = () => signed(scale * (to.value - from.value), decimals) + unit;
    return make("td", "n", byRatio ? ratio(to.value, from.value) : difference());
  });
  return [make("td", "", "change"), ...changes];
}

sortableTables();
themeSwitch();
sideBySide();
