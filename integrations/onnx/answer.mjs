// Asks a model with ONNX Runtime Web; the same in a browser and in Node.
export async function answer(ort, bytes, images, dims) {
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  const answers = await session.run({ images: new ort.Tensor("uint8", images, dims) });
  return { probabilities: [...answers.probabilities.data], labels: [...answers.labels.data].map(Number) };
}
