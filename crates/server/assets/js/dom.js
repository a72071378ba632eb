// Making elements. Text is always text: nothing here, or anywhere on the page, is read
// as HTML.

export const byId = (id) => document.getElementById(id);

/** An accuracy with the digits that its number of samples supports, as every view writes it. */
export const accuracy = (share, samples) =>
  `${(100 * share).toFixed(samples < 100 ? 0 : samples < 1000 ? 1 : 2)}\u00a0%`;

/** An element with properties (`class`, `text`, attributes, `on…` functions) and children. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") made.textContent = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** A probability; the terminal writes it so too (`format::probability` in crates/measures). */
export const percent = (share) => {
  const value = share * 100;
  // The spaces do not break.
  if (value === 0 || value === 100) return `${value}\u00a0%`;
  // Nearly certain is not certain.
  if (value > 99.9) return ">\u00a099.9\u00a0%";
  if (value < 0.1) return "<\u00a00.1\u00a0%";
  return `${value.toFixed(1)}\u00a0%`;
};

export const microseconds = (value) => {
  if (value >= 10_000) return `${(value / 1000).toFixed(0)} ms`;
  if (value >= 1000) return `${(value / 1000).toFixed(1)} ms`;
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} µs`;
};

export const count = (value, one, many) =>
  `${value.toLocaleString("en")} ${value === 1 ? one : many}`;

/** Why an answer is to be doubted, in words. */
export const doubtWords = (doubt) =>
  doubt === "no-class-fits" ? "perhaps none of the classes" : (doubt ?? "");
