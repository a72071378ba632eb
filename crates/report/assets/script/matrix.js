"use strict";

// Confusion matrices lead to their images: by a click on a cell, or by arrow keys and Enter.

/**
 * @typedef {object} Grid where the cells are, in units of the chart
 * @property {number} left
 * @property {number} top
 * @property {number} cell
 */

function clickableMatrices() {
  for (const figure of document.querySelectorAll("figure[data-grid]")) {
    if (!(figure instanceof HTMLElement)) continue;
    const section = figure.closest("article")?.id;
    for (const [group, { models }] of explorer.groups.entries()) {
      const model = models.findIndex((it) => it.section === section);
      if (model >= 0 && models[model].counts.length > 0) makeClickable(figure, group, model);
    }
  }
}

/**
 * @param {HTMLElement} figure
 * @param {number} group
 * @param {number} model
 */
function makeClickable(figure, group, model) {
  const drawing = figure.querySelector(".drawing");
  const chart = figure.querySelector("svg.chart");
  if (!(drawing instanceof HTMLElement) || !(chart instanceof SVGSVGElement)) return;
  const { classes, models } = explorer.groups[group];
  const [left, top, cell] = (figure.dataset.grid ?? "").split(" ").map(Number);
  const size = classes.length;
  const frame = makeSvg("rect", { class: "hot", width: cell, height: cell });
  const status = make("p", "cell-status");
  status.setAttribute("role", "status");
  drawing.after(status);
  drawing.tabIndex = 0;
  drawing.classList.add("clickable");
  drawing.setAttribute("role", "application");
  drawing.setAttribute(
    "aria-label",
    `Confusion matrix of ${models[model].name}. Arrow keys move between the cells, Enter shows the images of a cell.`,
  );
  let [actual, predicted] = [0, 0];
  const count = () => models[model].counts[actual * size + predicted];
  const mark = () => {
    frame.setAttribute("x", String(left + predicted * cell));
    frame.setAttribute("y", String(top + actual * cell));
    if (!frame.isConnected) chart.append(frame);
    const images = count() === 1 ? "1 image" : `${count().toLocaleString("en")} images`;
    status.textContent = `actual ${classes[actual]}, predicted ${classes[predicted]}: ${images}`;
  };
  const open = () => {
    if (count() === 0) return;
    const choice = { actual: String(actual), predicted: String(predicted) };
    choose({ group, model, show: "every", ...choice }, true);
  };
  /** @param {MouseEvent} event */
  const underPointer = (event) => {
    const matrix = chart.getScreenCTM();
    if (!matrix) return false;
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    const [column, row] = [Math.floor((at.x - left) / cell), Math.floor((at.y - top) / cell)];
    if (Math.min(column, row) < 0 || Math.max(column, row) >= size) return false;
    [actual, predicted] = [row, column];
    return true;
  };
  drawing.addEventListener("pointermove", (event) => {
    if (underPointer(event)) mark();
  });
  drawing.addEventListener("click", (event) => {
    if (!underPointer(event)) return;
    mark();
    open();
  });
  drawing.addEventListener("focus", mark);
  drawing.addEventListener("pointerleave", () => {
    if (document.activeElement !== drawing) frame.remove();
  });
  drawing.addEventListener("blur", () => frame.remove());
  drawing.addEventListener("keydown", (event) => {
    const steps = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    if (step) {
      actual = Math.min(size - 1, Math.max(0, actual + step[0]));
      predicted = Math.min(size - 1, Math.max(0, predicted + step[1]));
      mark();
    } else if (event.key === "Enter" || event.key === " ") open();
    else return;
    event.preventDefault();
  });
}
