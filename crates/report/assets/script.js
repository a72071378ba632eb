// What the page can do with scripts on: sort tables, switch colours, show where one is.
// Everything can be read without it.
"use strict";

// Tables: a button in each head cell; numbers first by what is best read, text by name.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const key = (row, column) => {
    const cell = row.cells[column];
    return cell ? (cell.dataset.sort ?? cell.textContent.trim()) : "";
  };
  const compare = (a, b) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y)
      ? a.localeCompare(b, undefined, { numeric: true })
      : x - y;
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const rows = [...body.rows].sort((r, s) => {
        const [a, b] = [key(r, column), key(s, column)];
        // What has no value stays last in both directions.
        if (a === "" || b === "") return compare(a, b);
        return descending ? compare(b, a) : compare(a, b);
      });
      body.append(...rows);
    });
  });
}

// Colours: the system's, unless the reader says otherwise.
const theme = document.getElementById("theme");
const remember = (value) => {
  try {
    if (value === undefined) return localStorage.getItem("bakeoff-theme");
    localStorage.setItem("bakeoff-theme", value);
  } catch {
    // A page opened from a file may have no storage; the choice then lasts for this visit.
  }
  return null;
};
const paint = (value) => {
  if (value === "light" || value === "dark") document.documentElement.dataset.theme = value;
  else delete document.documentElement.dataset.theme;
};
const remembered = remember();
for (const input of theme.querySelectorAll("input")) {
  if (input.value === remembered) {
    input.checked = true;
    paint(remembered);
  }
  input.addEventListener("change", () => {
    paint(input.value);
    remember(input.value);
  });
}
theme.hidden = false;

// Contents: open beside the page, closed above it; the part being read is marked.
const contents = document.getElementById("contents");
const beside = matchMedia("(min-width: 64rem)");
const fold = () => {
  contents.open = beside.matches;
};
beside.addEventListener("change", fold);
fold();
const links = new Map(
  [...contents.querySelectorAll("a")].map((link) => [link.hash.slice(1), link]),
);
const parts = [...links.keys()].map((id) => document.getElementById(id)).filter(Boolean);
const mark = () => {
  let current;
  for (const part of parts) {
    if (part.getBoundingClientRect().top <= innerHeight / 4) current = part;
  }
  for (const [id, link] of links) {
    if (current && id === current.id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
};
let waiting = false;
addEventListener(
  "scroll",
  () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      mark();
    });
  },
  { passive: true },
);
mark();
