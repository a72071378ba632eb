// Small images from numbers.

import { element } from "./dom.js";

function canvas({ height, width }, label, fill) {
  const made = element("canvas", { width, height, role: "img", "aria-label": label });
  const context = made.getContext("2d");
  const image = context.createImageData(width, height);
  for (let at = 0; at < width * height; at += 1) {
    const [red, green, blue] = fill(at);
    image.data.set([red, green, blue, 255], 4 * at);
  }
  context.putImageData(image, 0, 0);
  return made;
}

/** An image as a model sees it. */
export function picture(shape, pixels, label) {
  const plane = shape.height * shape.width;
  return canvas(shape, label, (at) =>
    shape.channels === 3
      ? [pixels[at], pixels[plane + at], pixels[2 * plane + at]]
      : [pixels[at], pixels[at], pixels[at]],
  );
}

const mix = (from, to, share) => from.map((value, at) => value + (to[at] - value) * share);
const FOR = [79, 176, 234];
const AGAINST = [255, 139, 74];

/** The pixels for (blue) and against (orange) a prediction. */
export function saliency({ height, width, values }, label) {
  return canvas({ height, width }, label, (at) =>
    // The square root makes weak pixels visible beside the strongest one.
    mix([24, 26, 30], values[at] >= 0 ? FOR : AGAINST, Math.sqrt(Math.abs(values[at]) / 100)),
  );
}

const COLUMNS = 8;

/** All maps of a layer side by side, a thin line between them. */
export function sheet({ shape, values }, label) {
  const { channels, height, width } = shape;
  const columns = Math.min(COLUMNS, channels);
  const size = {
    width: columns * (width + 1) - 1,
    height: Math.ceil(channels / columns) * (height + 1) - 1,
  };
  return canvas(size, label, (at) => {
    const [y, x] = [Math.floor(at / size.width), at % size.width];
    const [row, column] = [y % (height + 1), x % (width + 1)];
    const map = Math.floor(y / (height + 1)) * columns + Math.floor(x / (width + 1));
    if (row === height || column === width || map >= channels) return [87, 96, 106];
    const value = values[(map * height + row) * width + column];
    return [value, value, value];
  });
}
