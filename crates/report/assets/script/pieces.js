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
