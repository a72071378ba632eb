"use strict";

// Tables that can be sorted: a button in each head cell, numbers by value, text by name.

function sortableTables() {
  for (const table of document.querySelectorAll("table.sortable")) {
    if (table instanceof HTMLTableElement) makeSortable(table);
  }
}

/** @param {HTMLTableElement} table */
function makeSortable(table) {
  const heads = [...(table.tHead?.rows[0].cells ?? [])];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const body = table.tBodies[0];
      body.append(...sortedRows([...body.rows], column, descending));
    });
  });
}

/**
 * @param {HTMLTableRowElement[]} rows
 * @param {number} column
 * @param {boolean} descending
 */
function sortedRows(rows, column, descending) {
  /** @param {HTMLTableRowElement} row */
  const key = (row) => {
    const cell = row.cells[column];
    return cell ? (cell.dataset.sort ?? cell.textContent.trim()) : "";
  };
  return rows.sort((r, s) => {
    const [a, b] = [key(r), key(s)];
    // Empty cells stay last in both directions.
    if (a === "" || b === "") return Number(a === "") - Number(b === "");
    return descending ? compareKeys(b, a) : compareKeys(a, b);
  });
}

/**
 * @param {string} a
 * @param {string} b
 */
function compareKeys(a, b) {
  const [x, y] = [Number(a), Number(b)];
  return Number.isNaN(x) || Number.isNaN(y)
    ? a.localeCompare(b, undefined, { numeric: true })
    : x - y;
}
