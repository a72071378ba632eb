// Right under the image: the answer, what the model saw, and its most probable classes.

import { Bars } from "./bars.js";
import { doubtWords, element } from "./dom.js";
import { picture } from "./pixels.js";

export class Result {
  #said;
  #seen;
  #bars = new Bars("The most probable classes");

  constructor(root) {
    this.#said = element("p", { class: "said" });
    this.#seen = element("div", { class: "shot" });
    root.replaceChildren(
      this.#said,
      element("div", { class: "why-so" }, this.#seen, this.#bars.root),
    );
  }

  /** What is said: the answer large, why it is to be doubted, and a note in small. */
  say(answer, doubt, note) {
    this.#said.replaceChildren(
      element("b", { text: answer }),
      ...(doubt ? [" ", element("span", { class: "doubt", text: doubtWords(doubt) })] : []),
      " ",
      element("small", { text: note }),
    );
  }

  /** What a model saw, and its most probable classes. */
  show(shape, pixels, top) {
    const label = `The ${shape.width}×${shape.height} image that the model sees`;
    this.#seen.replaceChildren(picture(shape, pixels, label));
    this.#bars.show(top);
  }

  clear() {
    this.#said.replaceChildren();
    this.#seen.replaceChildren();
    this.#bars.show([]);
  }
}
