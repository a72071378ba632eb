// A canvas as a PNG file.

const encoder = new Worker("/js/encode.js");

export function png(canvas, name) {
  const { port1, port2 } = new MessageChannel();
  const image = canvas.transferToImageBitmap();
  encoder.postMessage(image, [image, port2]);
  return new Promise((done) => {
    port1.onmessage = ({ data }) => done(new File([data], name, { type: data.type }));
  });
}
