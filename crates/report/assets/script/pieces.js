"use strict";

// The connected pieces of a drawing, and which of them are specks, as the program finds them.

/** A piece smaller than this part of the longer side of the image is dust. */
const DUST = 1 / 32;
/** A single dot smaller than this part is dust too. */
const LONE_DUST = 1 / 64;
/** A piece with less than this part of the ink of the largest is a speck. */
const SPECK = 1 / 40;
/** The same for a piece that is not near the largest. */
const FAR_SPECK = 1 / 6;

/**
 * @typedef {object} Piece connected pixels of ink, diagonals included
 * @property {number} mass
 * @property {number} left
 * @property {number} right
 * @property {number} top
 * @property {number} bottom
 */

/** A separate piece with this part of the ink of the largest may be another drawing. */
const LARGE = 1 / 4;
/** Pieces over each other share at least this part of the narrower one's width: the bar of a five. */
const OVERLAP = 0.5;
/** And at most this part of the taller one's height is between them. */
const ABOVE = 0.25;
/** A gap of this part of the larger one's longer side is one in a stroke. */
const BROKEN = 1 / 12;
/** A digit has at least this part of the height of the highest, and of its own width. */
const DIGIT = 0.4;
/** Two pieces beside each other, together at most so many times as wide as high, are one with a gap. */
const NARROW = 0.9;

/**
 * How many drawings there are.
 * @param {Ink} ink
 */
function drawingsIn({ amount, threshold }) {
  const { pieces } = piecesOf(amount, threshold);
  const main = mainPiece(pieces);
  if (!main) return 0;
  const joined = pieces.filter((piece) => piece.mass >= LARGE * main.mass);
  for (let at = 0; at < joined.length; at++) {
    const other = joined.findIndex((piece, place) => place !== at && areOne(joined[at], piece));
    if (other < 0) continue;
    joined[Math.min(at, other)] = union(joined[at], joined[other]);
    joined.splice(Math.max(at, other), 1);
    at = -1;
  }
  const tallest = Math.max(...joined.map(heightOf));
  const digits = joined.filter(
    (piece) => heightOf(piece) >= DIGIT * Math.max(tallest, widthOf(piece)),
  );
  const [a, b] = digits;
  if (digits.length === 2 && Math.max(a.top, b.top) <= Math.min(a.bottom, b.bottom)) {
    const both = union(a, b);
    if (widthOf(both) <= NARROW * heightOf(both)) return 1;
  }
  return digits.length;
}

/**
 * Whether two pieces are parts of one digit.
 * @param {Piece} a
 * @param {Piece} b
 */
function areOne(a, b) {
  const across = Math.max(a.left, b.left) - Math.min(a.right, b.right) - 1;
  const along = Math.max(a.top, b.top) - Math.min(a.bottom, b.bottom) - 1;
  const taller = Math.max(heightOf(a), heightOf(b));
  if (-across >= OVERLAP * Math.min(widthOf(a), widthOf(b)) && along <= ABOVE * taller) return true;
  const both = union(a, b);
  const longer = Math.max(sideOf(a), sideOf(b));
  return Math.max(across, along) <= BROKEN * longer && widthOf(both) <= heightOf(both);
}

/** @param {Piece} piece */
function widthOf({ left, right }) {
  return right - left + 1;
}

/** @param {Piece} piece */
function heightOf({ top, bottom }) {
  return bottom - top + 1;
}

/**
 * @param {Piece} a
 * @param {Piece} b
 * @returns {Piece}
 */
function union(a, b) {
  return {
    mass: a.mass + b.mass,
    left: Math.min(a.left, b.left),
    right: Math.max(a.right, b.right),
    top: Math.min(a.top, b.top),
    bottom: Math.max(a.bottom, b.bottom),
  };
}

/**
 * Removes specks; `null` if there are only specks.
 * @param {Ink} ink
 * @returns {Ink | null}
 */
function keepDrawing(ink) {
  const { amount, threshold } = ink;
  const { numbers, pieces } = piecesOf(amount, threshold);
  const main = mainPiece(pieces);
  if (!main) return ink;
  const dust = pieces.length > 1 ? DUST : LONE_DUST;
  const least = dust * Math.max(amount.width, amount.height);
  if (pieces.every((piece) => sideOf(piece) < least)) return null;
  const side = sideOf(main);
  const near = Math.floor(side / 6);
  const kept = pieces.map((piece) => {
    const least = gapBetween(piece, main) <= near ? SPECK : FAR_SPECK;
    return piece.mass / main.mass >= least;
  });
  if (kept.every((it) => it)) return ink;
  const fringe = Math.ceil(side / 60);
  return { ...ink, amount: keepPieces(amount, numbers, kept, fringe) };
}

/** @param {Piece} piece */
function sideOf({ left, top, right, bottom }) {
  return Math.max(right - left, bottom - top) + 1;
}

/**
 * Pixels between the boxes of two pieces, along the axis where they are further apart.
 * @param {Piece} a
 * @param {Piece} b
 */
function gapBetween(a, b) {
  const across = Math.max(0, b.left - a.right, a.left - b.right);
  const down = Math.max(0, b.top - a.bottom, a.top - b.bottom);
  return Math.max(across, down);
}

/**
 * The piece with the most ink.
 * @param {Piece[]} pieces
 */
function mainPiece(pieces) {
  return pieces.reduce(
    (best, it) => (best && best.mass > it.mass ? best : it),
    /** @type {Piece | undefined} */ (undefined),
  );
}

/**
 * Copies only what lies at most `fringe` pixels from a kept piece.
 * @param {Plane} plane
 * @param {Int32Array} numbers
 * @param {boolean[]} kept
 * @param {number} fringe
 * @returns {Plane}
 */
function keepPieces({ width, height, values }, numbers, kept, fringe) {
  const out = new Uint8Array(values.length);
  for (let at = 0; at < out.length; at++) {
    if (numbers[at] < 0 || !kept[numbers[at]]) continue;
    const [x, y] = [at % width, Math.floor(at / width)];
    for (let row = Math.max(0, y - fringe); row < Math.min(height, y + fringe + 1); row++) {
      for (let column = Math.max(0, x - fringe); column < Math.min(width, x + fringe + 1); column++)
        out[row * width + column] = values[row * width + column];
    }
  }
  // A speck beside the drawing must not come back with the fringe.
  numbers.forEach((piece, at) => {
    if (piece >= 0 && !kept[piece]) out[at] = 0;
  });
  return { width, height, values: out };
}

/**
 * The number of the piece that each pixel belongs to, -1 for the background; pieces are
 * numbered in the order of their first pixels, row by row.
 * @param {Plane} plane
 * @param {number} threshold
 */
function piecesOf({ width, height, values }, threshold) {
  const numbers = new Int32Array(values.length).fill(-1);
  /** @type {Piece[]} */
  const pieces = [];
  for (let start = 0; start < values.length; start++) {
    if (values[start] < threshold || numbers[start] >= 0) continue;
    const piece = { mass: 0, left: width, right: 0, top: height, bottom: 0 };
    const waiting = [start];
    numbers[start] = pieces.length;
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      const [x, y] = [at % width, Math.floor(at / width)];
      piece.mass += values[at];
      [piece.left, piece.right] = [Math.min(piece.left, x), Math.max(piece.right, x)];
      [piece.top, piece.bottom] = [Math.min(piece.top, y), Math.max(piece.bottom, y)];
      for (let row = Math.max(0, y - 1); row < Math.min(height, y + 2); row++) {
        for (let column = Math.max(0, x - 1); column < Math.min(width, x + 2); column++) {
          const next = row * width + column;
          if (values[next] < threshold || numbers[next] >= 0) continue;
          numbers[next] = pieces.length;
          waiting.push(next);
        }
      }
    }
    pieces.push(piece);
  }
  return { numbers, pieces };
}
