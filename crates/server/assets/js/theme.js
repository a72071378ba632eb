// Colours: the system's, unless the reader says otherwise.

const KEY = "bakeoff-theme";

export function remembered(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Without storage the choice lasts for this visit.
  }
}

function paint(value) {
  if (value === "light" || value === "dark") document.documentElement.dataset.theme = value;
  else delete document.documentElement.dataset.theme;
}

export function theme(fieldset) {
  const chosen = remembered(KEY);
  for (const input of fieldset.querySelectorAll("input")) {
    if (input.value === chosen) input.checked = true;
    input.addEventListener("change", () => {
      paint(input.value);
      remember(KEY, input.value);
    });
  }
  paint(chosen);
}
