// The JSON API. An answer that is an error becomes a `Problem`.

const BASE = "/api/v1";

export class Problem extends Error {
  constructor(code, detail) {
    super(detail);
    this.code = code;
  }
}

async function call(path, options = {}) {
  let response;
  try {
    response = await fetch(BASE + path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(
      "unreachable",
      "The server does not answer. Is `bakeoff serve` still running?",
    );
  }
  if (response.status === 204) return null;
  let body;
  try {
    body = await response.json();
  } catch {
    throw new Problem("unreadable", `The server's answer cannot be read (${response.status}).`);
  }
  if (!response.ok) throw new Problem(body.code ?? "unknown", body.detail ?? response.statusText);
  return body;
}

const post = (path, value) =>
  call(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(value),
  });

export const models = () => call("/models");
export const training = () => call("/training");
export const examples = () => call("/examples");
export const corrections = () => call("/corrections");
export const reports = () => call("/reports");
export const correct = (correction) => post("/corrections", correction);

export const undoCorrection = ({ dataset, file }) =>
  call(`/corrections/${encodeURIComponent(dataset)}/${encodeURIComponent(file)}`, {
    method: "DELETE",
  });

/** Asks about grey levels as a model sees them. */
export const predictPixels = (pixels, models, explain) =>
  post("/predict", { pixels, models, explain });

function postPicture(path, picture, models, explain) {
  const form = new FormData();
  form.append("picture", picture);
  for (const model of models) form.append("model", model);
  for (const kind of explain) form.append("explain", kind);
  return call(path, { method: "POST", body: form });
}

/** Asks about an image file. */
export const predictPicture = (picture, models, explain) =>
  postPicture("/predict", picture, models, explain);

/** Asks for every digit in an image file. */
export const readNumbers = (picture, models) => postPicture("/numbers", picture, models, []);
