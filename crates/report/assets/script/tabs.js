"use strict";

// Views of the same thing become tabs, as in the WAI-ARIA authoring practices. Without
// scripts they are side by side.

function tabbedViews() {
  for (const views of document.querySelectorAll(".views")) makeTabs(views);
  const follow = () => showPanelOf(addressed());
  addEventListener("hashchange", follow);
  follow();
}

/** @param {Element} views */
function makeTabs(views) {
  const panels = [...views.querySelectorAll(":scope > .view")].filter(
    (it) => it instanceof HTMLElement,
  );
  if (panels.length < 2) return;
  const list = document.createElement("div");
  list.className = "tabs";
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", views.getAttribute("data-label") ?? "");
  const tabs = panels.map((panel) => {
    const tab = document.createElement("button");
    tab.type = "button";
    tab.id = `${panel.id}-tab`;
    tab.textContent = panel.dataset.tab ?? "";
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", panel.id);
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    tab.addEventListener("click", () => selectTab(tab));
    list.append(tab);
    return tab;
  });
  list.addEventListener("keydown", (event) => {
    const at = tabs.findIndex((tab) => tab === document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const next = /** @type {HTMLElement} */ (tabs.at(to % tabs.length));
    selectTab(next);
    next.focus();
  });
  views.prepend(list);
  selectTab(tabs[0]);
}

/** @param {HTMLElement} chosen */
function selectTab(chosen) {
  for (const tab of chosen.parentElement?.children ?? []) {
    if (!(tab instanceof HTMLElement)) continue;
    const selected = tab === chosen;
    tab.setAttribute("aria-selected", String(selected));
    tab.tabIndex = selected ? 0 : -1;
    byId(tab.getAttribute("aria-controls") ?? "").hidden = !selected;
  }
}

/**
 * Opens the tab that contains the target of a link.
 * @param {string} id
 */
function showPanelOf(id) {
  const target = id ? document.getElementById(id) : null;
  const panel = target?.closest(".view");
  const tab = panel && document.getElementById(`${panel.id}-tab`);
  if (!target || !tab || tab.getAttribute("aria-selected") === "true") return;
  selectTab(tab);
  target.scrollIntoView();
}
