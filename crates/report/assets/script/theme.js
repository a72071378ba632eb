"use strict";

// Colours: those of the system, unless the reader chooses others.

const THEME_KEY = "bakeoff-theme";

function themeSwitch() {
  const theme = byId("theme");
  const remembered = rememberedTheme();
  for (const input of theme.querySelectorAll("input")) {
    if (input.value === remembered) {
      input.checked = true;
      paint(remembered);
    }
    input.addEventListener("change", () => {
      paint(input.value);
      rememberTheme(input.value);
    });
  }
  theme.hidden = false;
}

/** @param {string} value */
function paint(value) {
  if (value === "light" || value === "dark") document.documentElement.dataset.theme = value;
  else delete document.documentElement.dataset.theme;
}

// A page opened from a file may have no storage; a choice then lasts for this visit.

function rememberedTheme() {
  try {
    return localStorage.getItem(THEME_KEY);
  } catch {
    return null;
  }
}

/** @param {string} value */
function rememberTheme(value) {
  try {
    localStorage.setItem(THEME_KEY, value);
  } catch {
    // See above.
  }
}
