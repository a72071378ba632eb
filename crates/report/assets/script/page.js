"use strict";

// What the other scripts share. The page can be read without scripts. Files here only
// declare functions; main.js, the last one, calls them.

/**
 * An element of the template.
 * @param {string} id
 */
function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * Shows a part that needs scripts, and the link to it.
 * @param {string} id
 */
function reveal(id) {
  byId(id).hidden = false;
  const link = document.querySelector(`nav a[href="#${id}"]`);
  if (link?.parentElement) link.parentElement.hidden = false;
}

/**
 * Data of the report in the page; `null` if there is none.
 * @param {string} id
 */
function dataOf(id) {
  const block = document.getElementById(id);
  return block ? JSON.parse(block.textContent) : null;
}

/** The part of the address after its `#`; empty if it is not valid text. */
function addressed() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    // A single % in a foreign link must not stop the page.
    return "";
  }
}

/**
 * Little-endian 16-bit words from base64.
 * @param {string} text
 */
function wordsOf(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Uint16Array.from({ length: bytes.length / 2 }, (_, i) => view.getUint16(2 * i, true));
}

/**
 * An element with a class and some children.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {string} className
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[K]}
 */
function make(name, className, ...children) {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

const SVG = document.querySelector("svg")?.namespaceURI ?? null;

/**
 * An element of SVG.
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @param {Element[]} children
 */
function makeSvg(name, attributes, ...children) {
  const element = /** @type {SVGElement} */ (document.createElementNS(SVG, name));
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

/**
 * Fills a list of choices.
 * @param {HTMLSelectElement} select
 * @param {string[]} names values are their numbers
 * @param {string} [any] a first choice with the value ""
 */
function fillSelect(select, names, any) {
  const options = names.map((name, at) => new Option(name, String(at)));
  select.replaceChildren(...(any === undefined ? [] : [new Option(any, "")]), ...options);
}

/** @param {number} share */
function percent(share) {
  return `${(100 * share).toFixed(share > 0 && share < 0.0995 ? 2 : 1)} %`;
}

/**
 * The name of a model behind its colour.
 * @param {{ name: string, series: string }} model
 */
function modelName(model) {
  const name = make("bdi", "", model.name);
  return make("span", `name ${model.series}`, name);
}

/**
 * A bar of a share of one.
 * @param {number} share
 * @param {string} className
 */
function shareBar(share, className) {
  const bar = make("span", `share ${className}`, make("span", ""));
  bar.setAttribute("aria-hidden", "true");
  /** @type {HTMLElement} */ (bar.firstElementChild).style.inlineSize = `${100 * share}%`;
  return bar;
}
