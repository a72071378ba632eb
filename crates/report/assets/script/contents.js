"use strict";

// Table of contents: open beside the page, closed above it; the current part is marked.

function tableOfContents() {
  const contents = byId("contents");
  if (!(contents instanceof HTMLDetailsElement)) return;
  const beside = matchMedia("(min-width: 64rem)");
  const fold = () => {
    contents.open = beside.matches;
  };
  beside.addEventListener("change", fold);
  fold();
  contents.addEventListener("click", (event) => {
    // Above the page it would cover the target.
    const chosen = event.target instanceof Element && event.target.closest("a");
    if (chosen && !beside.matches) contents.open = false;
  });
  markCurrentPart(contents);
}

/** @param {HTMLElement} contents */
function markCurrentPart(contents) {
  const links = new Map(
    [...contents.querySelectorAll("a")].map((link) => [link.hash.slice(1), link]),
  );
  const parts = [...links.keys()].map((id) => document.getElementById(id)).filter((it) => !!it);
  const mark = () => {
    let current = "";
    for (const part of parts) {
      const box = part.getBoundingClientRect();
      // Hidden parts have no height.
      if (box.height > 0 && box.top <= innerHeight / 4) current = part.id;
    }
    for (const [id, link] of links) {
      if (id === current) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };
  let waiting = false;
  const soon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      mark();
    });
  };
  addEventListener("scroll", soon, { passive: true });
  addEventListener("resize", soon, { passive: true });
  mark();
}
