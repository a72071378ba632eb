// Asking while somebody draws: one request at a time. What happens meanwhile is asked
// about together when it is done, so that a slow server is never given a queue, and the
// last state of the drawing is always asked about.
//
// Answers about another picture (cleared, replaced, undone to nothing) are dropped.

const AGAIN_MS = 1000;

export class Asker {
  #next = null;
  #busy = false;
  #generation = 0;
  #shown;

  /** `shown` is given each answer, or the problem in its place. */
  constructor(shown) {
    this.#shown = shown;
  }

  /** Asks as soon as the request before has been answered; the latest `request` wins. */
  ask(request) {
    this.#next = request;
    if (!this.#busy) this.#run();
  }

  /** Whatever was asked before is of no interest any more. */
  forget() {
    this.#next = null;
    this.#generation += 1;
  }

  /** Whether an answer is on its way or yet to be asked for. */
  get busy() {
    return this.#busy;
  }

  async #run() {
    this.#busy = true;
    while (this.#next) {
      const request = this.#next;
      const generation = this.#generation;
      this.#next = null;
      let answer = null;
      let problem = null;
      try {
        answer = await request();
      } catch (error) {
        problem = error;
      }
      if (generation !== this.#generation) continue;
      if (problem?.code === "busy" && !this.#next) {
        await new Promise((done) => setTimeout(done, AGAIN_MS));
        if (generation === this.#generation) this.#next ??= request;
        continue;
      }
      this.#shown(answer, problem);
    }
    this.#busy = false;
  }
}
