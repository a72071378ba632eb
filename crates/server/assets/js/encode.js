// A worker that writes images as PNG. On the page's own thread browsers wait for a quiet moment
// before they do that, and while somebody draws none comes for a second or more.

self.addEventListener("message", async ({ data: image, ports: [answer] }) => {
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext("bitmaprenderer").transferFromImageBitmap(image);
  answer.postMessage(await canvas.convertToBlob({ type: "image/png" }));
});
