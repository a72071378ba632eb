"use strict";

// Prepares a drawing step by step as `bakeoff predict` prepares an image. Only the steps
// that a clean drawing on the pad needs are here: no uneven light, no ruled paper, no thin
// lines.

/**
 * @typedef {object} Plane one channel, row by row
 * @property {number} width
 * @property {number} height
 * @property {ArrayLike<number> & Iterable<number>} values
 */

/** Ink differs from the background by at least so many grey levels. */
const LEAST_CONTRAST = 16;
/** A background at least this light has dark ink; one at most 255 minus this has light ink. */
const LIGHT_PAPER = 170;
/** Strokes have at least this part (1/4) of the strongest ink. */
const BOX_PART = 4;

/**
 * @typedef {object} Ink
 * @property {Plane} amount 0 is background
 * @property {number} threshold strokes have at least this amount
 */

/**
 * A grey image as the models see it. For models of plain images it is averaged to their size; for
 * those of ink it passes the steps of MNIST, in proportion to the target. `null` if nothing is
 * drawn.
 * @param {Plane} grey
 * @param {{ width: number, height: number, plain: boolean }} target
 */
function prepareDrawing(grey, target) {
  if (target.plain) {
    const columns = coverage(grey.width, 0, grey.width, grey.width, target.width);
    const rows = coverage(grey.height, 0, grey.height, grey.height, target.height);
    return Uint8Array.from(averages(grey, columns, rows), (value) => Math.floor(value + 0.5));
  }
  const found = inkOn(grey);
  const ink = found && keepDrawing(found);
  return ink && likeMnist(ink, target);
}

/**
 * How many drawings an image has for models of ink, which answer about one; images for other models
 * are one.
 * @param {Plane} grey
 * @param {{ plain: boolean }} target
 */
function drawingsOn(grey, target) {
  const found = target.plain ? null : inkOn(grey);
  const ink = found && keepDrawing(found);
  return ink ? drawingsIn(ink) : 1;
}

/**
 * The ink of an image; its background is the median of its border.
 * @param {Plane} grey
 * @returns {Ink | null}
 */
function inkOn(grey) {
  const border = borderOf(grey);
  const background = quantile(border, 0.5);
  const [darkest, lightest] = extremes(grey.values);
  let isDark =
    background >= LIGHT_PAPER ||
    (background > 255 - LIGHT_PAPER && lightest - background <= background - darkest);
  // With little contrast in one direction, try the other.
  if (!isDark && lightest - background < LEAST_CONTRAST) isDark = true;
  else if (isDark && background - darkest < LEAST_CONTRAST) isDark = false;
  const amount = (/** @type {number} */ value) =>
    Math.max(0, isDark ? background - value : value - background);
  const stray = amount(quantile(border, isDark ? 0.05 : 0.95));
  const strongest = amount(isDark ? darkest : lightest);
  const floor = Math.min(255, stray + (stray >> 1), strongest >> 1);
  if (strongest < LEAST_CONTRAST) return null;
  const values = Uint8Array.from(grey.values, (value) => {
    const ink = amount(value);
    return ink > floor ? ink : 0;
  });
  const threshold = Math.max(1, Math.floor(strongest / BOX_PART));
  return { amount: { ...grey, values }, threshold };
}

/**
 * @param {Ink} ink
 * @param {{ width: number, height: number }} target
 */
function likeMnist({ amount: ink, threshold }, target) {
  const frame = inkBox(ink, threshold);
  const smaller = Math.min(target.width, target.height);
  // 20 for 28; rounded, and at least 1.
  const side = Math.max(1, Math.floor((smaller * 20 + 14) / 28));
  const averaged = averageSquare(ink, frame, side);
  const strongest = Math.max(...averaged);
  const scale = strongest > 0 ? 255 / strongest : 0;
  const small = Uint8Array.from(averaged, (value) => Math.round(value * scale));
  const columns = new Float64Array(side);
  const rows = new Float64Array(side);
  small.forEach((value, at) => {
    columns[at % side] += value;
    rows[Math.floor(at / side)] += value;
  });
  const [left, top] = [placeOn(columns, target.width), placeOn(rows, target.height)];
  const pixels = new Uint8Array(target.width * target.height);
  small.forEach((value, at) => {
    const [x, y] = [left + (at % side), top + Math.floor(at / side)];
    if (x >= 0 && x < target.width && y >= 0 && y < target.height) {
      pixels[y * target.width + x] = value;
    }
  });
  return pixels;
}

/**
 * Where the square begins on an axis of `length`, so that its centre of mass falls on the
 * middle pixel (14 of 28) and no ink outside.
 * @param {Float64Array} sums
 * @param {number} length
 */
function placeOn(sums, length) {
  const mass = sums.reduce((a, b) => a + b, 0);
  if (mass === 0) return 0;
  const moment = sums.reduce((sum, value, at) => sum + at * value, 0);
  const first = sums.findIndex((sum) => sum > 0);
  const last = sums.findLastIndex((sum) => sum > 0);
  const wanted = roundHalfAway(Math.floor(length / 2) - moment / mass);
  const [least, most] = [-first, length - 1 - last];
  return Math.min(Math.max(wanted, least), Math.max(most, least));
}

/**
 * `f64::round` of Rust; `Math.round` takes halves upwards, also below zero.
 * @param {number} value
 */
function roundHalfAway(value) {
  return Math.sign(value) * Math.round(Math.abs(value));
}

/**
 * The rows and columns that hold strokes.
 * @param {Plane} ink
 * @param {number} threshold
 */
function inkBox({ width, height, values }, threshold) {
  let [left, right, top, bottom] = [width - 1, 0, height - 1, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (values[y * width + x] < threshold) continue;
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      [top, bottom] = [Math.min(top, y), y];
    }
  }
  return { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/**
 * The square around the middle of a frame, averaged to `side` × `side`: every value is the
 * mean of what it covers, partly covered pixels by their covered part.
 * @param {Plane} ink
 * @param {{ left: number, top: number, width: number, height: number }} frame
 * @param {number} side
 */
function averageSquare(ink, frame, side) {
  const length = Math.max(frame.width, frame.height);
  const columns = coverage(ink.width, frame.left, frame.width, length, side);
  const rows = coverage(ink.height, frame.top, frame.height, length, side);
  return averages(ink, columns, rows);
}

/**
 * The means of what target pixels cover.
 * @param {Plane} ink
 * @param {ReturnType<typeof coverage>} columns
 * @param {ReturnType<typeof coverage>} rows
 */
function averages(ink, columns, rows) {
  return rows.flatMap((row) =>
    columns.map((column) => {
      let sum = 0;
      row.weights.forEach((down, y) => {
        const line = (row.from + y) * ink.width + column.from;
        column.weights.forEach((across, x) => {
          sum += down * across * ink.values[line + x];
        });
      });
      return sum;
    }),
  );
}

/**
 * For each of `count` target pixels that fill `length` together around the middle of a
 * frame: the first pixel it covers, and which share of it each one fills.
 * @param {number} axis
 * @param {number} start
 * @param {number} extent
 * @param {number} length
 * @param {number} count
 */
function coverage(axis, start, extent, length, count) {
  const clamp = (/** @type {number} */ at, /** @type {number} */ low, /** @type {number} */ high) =>
    Math.min(Math.max(at, low), high);
  // Places are counted from the frame, so that it does not matter where it lies.
  const half = (length - extent) / -2;
  // Pixels that are as large as the target's need no averaging.
  const begin = length === count ? Math.ceil(half) : half;
  const step = length / count;
  const [first, last] = [-start, axis - start];
  return Array.from({ length: count }, (_, index) => {
    const from = clamp(begin + step * index, first, last);
    const to = clamp(begin + step * (index + 1), from, last);
    const weights = [];
    for (let pixel = Math.floor(from); pixel < Math.ceil(to); pixel++) {
      const covered = Math.min(to, pixel + 1) - Math.max(from, pixel);
      weights.push(Math.max(0, covered) / step);
    }
    return { from: Math.floor(from) - first, weights };
  });
}

/** @param {Iterable<number>} values */
function extremes(values) {
  let [least, most] = [255, 0];
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return [least, most];
}

/**
 * How often each grey level occurs on the border.
 * @param {Plane} plane
 */
function borderOf({ width, height, values }) {
  const counts = new Array(256).fill(0);
  for (let y = 0; y < height; y++) {
    const whole = y === 0 || y === height - 1;
    // As the Rust does: an image one column wide counts each row's end twice.
    const ends = whole ? [...Array(width).keys()] : [0, width - 1];
    for (const x of ends) counts[values[y * width + x]]++;
  }
  return counts;
}

/**
 * The least grey level with at least this part of the pixels at or below it.
 * @param {number[]} counts
 * @param {number} part
 */
function quantile(counts, part) {
  const total = counts.reduce((a, b) => a + b);
  const wanted = Math.max(1, Math.ceil(part * total));
  let seen = 0;
  return counts.findIndex((count) => {
    seen += count;
    return seen >= wanted;
  });
}
