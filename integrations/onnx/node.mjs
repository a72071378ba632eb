// node node.mjs FOLDER: answers FOLDER/jobs.json with the onnxruntime-web that lies in FOLDER.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { answer } from "./answer.mjs";

const folder = process.argv[2];
const require = createRequire(`${folder}/`);
const ort = await import(pathToFileURL(require.resolve("onnxruntime-web")));
const answers = [];
for (const { file, dims } of JSON.parse(readFileSync(`${folder}/jobs.json`))) {
  const bytes = (name) => new Uint8Array(readFileSync(`${folder}/${name}`));
  answers.push(await answer(ort.default ?? ort, bytes(`${file}.onnx`), bytes(`${file}.bytes`), dims));
}
writeFileSync(`${folder}/answers.json`, JSON.stringify(answers));
