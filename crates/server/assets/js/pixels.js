// Small pictures from numbers.

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

/** A picture as a model sees it. */
export function picture(shape, pixels, label) {
  const plane = shape.height * shape.width;
  return canvas(shape, label, (at) =>
    shape.channels === 3
      ? [pixels[at], pixels[plane + at], pixels[2 * plane + at]]
      : [pixels[at], pixels[at], pixels[at]],
  );
}
