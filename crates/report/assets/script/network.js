"use strict";

// Runs a model that the report packed (page/try_it.rs) on one image: the layers of the
// program in plain loops.

/**
 * @typedef {object} PackedLayer
 * @property {"conv" | "max-pool" | "average-pool" | "add" | "dense" | "relu"} kind
 * @property {number} filters
 * @property {number} groups of filters, each of which sees its own channels only
 * @property {number} outputs
 * @property {number} from the layer whose result is added
 * @property {[number, number]} kernel rows and columns
 * @property {[number, number]} size
 * @property {[number, number]} stride
 * @property {[number, number, number, number]} pad above, left, below, right
 *
 * @typedef {object} PackedModel
 * @property {string} name
 * @property {string} series
 * @property {number} scale
 * @property {number} temperature
 * @property {PackedLayer[]} layers
 * @property {string} weights
 *
 * @typedef {object} Values channel by channel, row by row
 * @property {number} channels
 * @property {number} height
 * @property {number} width
 * @property {Float32Array} values
 */

/**
 * A float of 16 bits (IEEE 754 binary16) as a number.
 * @param {number} bits
 */
function halfFloat(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/**
 * Unpacks a model once; the returned function predicts the probability of each class for an
 * image of bytes.
 * @param {PackedModel} model
 * @param {number} height
 * @param {number} width
 * @returns {(image: Uint8Array) => number[]}
 */
function unpackModel(model, height, width) {
  const weights = Float32Array.from(wordsOf(model.weights), halfFloat);
  return (image) => {
    let at = 0;
    const take = (/** @type {number} */ count) => {
      at += count;
      return weights.subarray(at - count, at);
    };
    /** @type {Values} */
    let flow = {
      channels: 1,
      height,
      width,
      values: Float32Array.from(image, (byte) => byte * model.scale),
    };
    /** @type {Values[]} */
    const results = [];
    for (const layer of model.layers) {
      if (layer.kind === "conv") flow = convolve(layer, flow, take);
      else if (layer.kind === "max-pool") {
        flow = pool(layer, flow, Number.NEGATIVE_INFINITY, Math.max);
      } else if (layer.kind === "average-pool") {
        const share = 1 / (layer.size[0] * layer.size[1]);
        flow = pool(layer, flow, 0, (sum, value) => sum + value * share);
      } else if (layer.kind === "add") {
        const more = results[layer.from].values;
        flow = { ...flow, values: flow.values.map((value, at) => value + more[at]) };
      } else if (layer.kind === "dense") flow = multiply(layer.outputs, flow, take);
      else flow = { ...flow, values: flow.values.map((value) => Math.max(value, 0)) };
      results.push(flow);
    }
    return softmax(flow.values, model.temperature);
  };
}

/**
 * @param {PackedLayer} layer
 * @param {Values} input
 * @param {(count: number) => Float32Array} take
 * @returns {Values}
 */
function convolve(layer, input, take) {
  const [rows, columns] = layer.kernel;
  const [down, right] = layer.stride;
  const [above, left, below, beside] = layer.pad;
  const height = Math.floor((input.height + above + below - rows) / down) + 1;
  const width = Math.floor((input.width + left + beside - columns) / right) + 1;
  const seen = input.channels / layer.groups;
  const each = layer.filters / layer.groups;
  const weights = take(layer.filters * seen * rows * columns);
  const biases = take(layer.filters);
  const values = new Float32Array(layer.filters * height * width);
  let out = 0;
  for (let filter = 0; filter < layer.filters; filter++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        let sum = biases[filter];
        for (let ofGroup = 0; ofGroup < seen; ofGroup++) {
          const channel = Math.floor(filter / each) * seen + ofGroup;
          for (let ky = 0; ky < rows; ky++) {
            const row = y * down + ky - above;
            if (row < 0 || row >= input.height) continue;
            const from = (channel * input.height + row) * input.width + x * right - left;
            const weight = ((filter * seen + ofGroup) * rows + ky) * columns;
            const first = Math.max(0, left - x * right);
            const last = Math.min(columns, input.width + left - x * right);
            for (let kx = first; kx < last; kx++) {
              sum += weights[weight + kx] * input.values[from + kx];
            }
          }
        }
        values[out++] = sum;
      }
    }
  }
  return { channels: layer.filters, height, width, values };
}

/**
 * @param {PackedLayer} layer
 * @param {Values} input
 * @param {number} start of each window
 * @param {(result: number, value: number) => number} join
 * @returns {Values}
 */
function pool(layer, input, start, join) {
  const [rows, columns] = layer.size;
  const [down, right] = layer.stride;
  const height = Math.floor((input.height - rows) / down) + 1;
  const width = Math.floor((input.width - columns) / right) + 1;
  const values = new Float32Array(input.channels * height * width);
  let out = 0;
  for (let channel = 0; channel < input.channels; channel++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        let result = start;
        for (let ky = 0; ky < rows; ky++) {
          const from = (channel * input.height + y * down + ky) * input.width + x * right;
          for (let kx = 0; kx < columns; kx++) result = join(result, input.values[from + kx]);
        }
        values[out++] = result;
      }
    }
  }
  return { channels: input.channels, height, width, values };
}

/**
 * @param {number} outputs
 * @param {Values} input
 * @param {(count: number) => Float32Array} take
 * @returns {Values}
 */
function multiply(outputs, input, take) {
  const inputs = input.values.length;
  const weights = take(outputs * inputs);
  const values = Float32Array.from(take(outputs));
  for (let output = 0; output < outputs; output++) {
    let sum = values[output];
    for (let at = 0; at < inputs; at++) sum += weights[output * inputs + at] * input.values[at];
    values[output] = sum;
  }
  return { channels: outputs, height: 1, width: 1, values };
}

/**
 * @param {Float32Array} scores
 * @param {number} temperature
 */
function softmax(scores, temperature) {
  const top = Math.max(...scores);
  const shifted = Array.from(scores, (score) => Math.exp((score - top) / temperature));
  const sum = shifted.reduce((a, b) => a + b);
  return shifted.map((value) => value / sum);
}
