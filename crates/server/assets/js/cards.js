// The answer of each model: a card for each, kept in place while the answers change.

import { Bars, top } from "./bars.js";
import { accuracy, doubtWords, element, microseconds, percent } from "./dom.js";
import { picture, saliency, sheet } from "./pixels.js";

const SERIES = 12;

export class Cards {
  #root;
  #infos = new Map();
  #cards = new Map();

  constructor(root) {
    this.#root = root;
  }

  /** The models to show, best first. */
  set models(models) {
    this.#infos = new Map(
      models.map((info) => [info.name, { ...info, series: `s${info.series % SERIES}` }]),
    );
  }

  knows(name) {
    return this.#infos.has(name);
  }

  clear() {
    this.#cards.clear();
    this.#root.replaceChildren();
  }

  /** Shows these predictions. `settled` is false while somebody draws. */
  show({ predictions, failures, verdict }, settled) {
    const cards = predictions.map((prediction) => {
      const card =
        this.#cards.get(prediction.model) ??
        new Card(this.#infos.get(prediction.model), prediction);
      this.#cards.set(prediction.model, card);
      card.show(prediction, settled);
      return card;
    });
    // Highlights the models that differ from the most common answer.
    const tally = new Map();
    for (const { class: answer } of predictions) tally.set(answer, (tally.get(answer) ?? 0) + 1);
    const most = Math.max(0, ...tally.values());
    predictions.forEach((prediction, at) => {
      const differs = !verdict.unanimous && tally.get(prediction.class) < most;
      cards[at].root.classList.toggle("differs", differs);
    });
    const wanted = cards.map((card) => card.root);
    for (const { model, reason } of failures)
      wanted.push(
        element(
          "article",
          { class: "card failed" },
          element("h3", { text: model }),
          element("p", { class: "problem", text: reason }),
        ),
      );
    const there = [...this.#root.children];
    if (wanted.length !== there.length || wanted.some((card, at) => card !== there[at]))
      this.#root.replaceChildren(...wanted);
  }
}

class Card {
  #answer = element("b", {});
  #confidence = element("span", { class: "confidence" });
  #doubt = element("span", { class: "doubt", hidden: true });
  #latency = element("small", { class: "latency" });
  #top;
  #all;
  #why = element("div", { class: "why" });

  constructor(info, prediction) {
    const name = prediction.model;
    const about = info
      ? `${info.title}, correct on ${accuracy(info.test_accuracy, info.test_samples)} of ${info.test_samples.toLocaleString("en")} test images`
      : "";
    this.#top = new Bars(`The most probable classes by ${name}`);
    this.#all = new Bars(`The probability of each class by ${name}`);
    const classes = prediction.probabilities.length;
    if (classes > 16) {
      this.#all.root.classList.add("many");
      this.#all.root.tabIndex = 0;
    }
    const rest = element(
      "details",
      { class: "rest" },
      element("summary", { text: `All ${classes} classes` }),
      this.#all.root,
    );
    this.root = element(
      "article",
      { class: `card ${info?.series ?? "s0"}`, "data-model": name },
      element(
        "h3",
        {},
        element("span", { class: "name", text: name }),
        element("small", { text: about }),
      ),
      element("p", { class: "answer" }, this.#answer, this.#confidence, this.#doubt, this.#latency),
      this.#top.root,
      ...(classes > 3 ? [rest] : []),
      this.#why,
    );
  }

  show(prediction, settled) {
    this.#answer.textContent = prediction.class;
    this.#confidence.textContent = percent(prediction.confidence);
    this.#latency.textContent = microseconds(prediction.latency_us);
    this.#latency.title = "How long this model took for this image";
    this.#doubt.textContent = doubtWords(prediction.doubt);
    this.#doubt.hidden = !prediction.doubt;
    this.#top.show(top(prediction.probabilities));
    this.#all.show(prediction.probabilities, prediction.label);
    const parts = explanation(prediction);
    // The explanation of an earlier image is dimmed until the pen is still.
    this.#why.classList.toggle("outdated", parts.length === 0 && !settled);
    if (parts.length > 0 || settled) {
      // An open part stays open while one draws.
      const open = this.#why.querySelector("details")?.open;
      this.#why.replaceChildren(...parts);
      const details = this.#why.querySelector("details");
      if (details) details.open = Boolean(open);
    }
  }
}

/** Why the model answers so, as far as it can tell. */
function explanation({ model, explanation: why = {} }) {
  const parts = [];
  if (why.neighbours) {
    const shots = why.neighbours.map((near) =>
      element(
        "li",
        {},
        picture(near.shape, near.pixels, `Training image ${near.index}: ${near.class}`),
        element("b", { text: near.class }),
        element("small", { text: near.distance.toFixed(near.distance < 10 ? 3 : 0) }),
      ),
    );
    parts.push(
      figure(
        "Nearest training images, with distances",
        element(
          "ol",
          { class: "shots", "aria-label": `Nearest training images of ${model}` },
          ...shots,
        ),
      ),
    );
  }
  if (why.saliency)
    parts.push(
      figure(
        why.saliency.method === "gradient"
          ? "Pixels for (blue) and against (orange) this prediction"
          : "For (blue) and against (orange): what is lost when it is painted over",
        element(
          "div",
          { class: "saliency" },
          saliency(why.saliency, `Pixels for and against the prediction of ${model}`),
        ),
      ),
    );
  if (why.features)
    parts.push(
      element(
        "details",
        {},
        element("summary", { text: "Feature maps of its convolutions" }),
        ...why.features.map((maps) =>
          figure(
            `Layer ${maps.layer}: ${maps.shape.channels} maps of ${maps.shape.width}×${maps.shape.height}`,
            sheet(maps, `Feature maps of layer ${maps.layer} of ${model}`),
          ),
        ),
      ),
    );
  return parts;
}

function figure(caption, ...content) {
  return element("figure", {}, element("figcaption", { text: caption }), ...content);
}
