// Requests while somebody draws: one at a time. When it is answered, only the latest of
// those that came meanwhile is sent, so that a slow server never gets a queue, and the
// last state of the drawing is always sent.
//
// Answers about an earlier image (cleared, replaced, undone to nothing) are dropped.

const AGAIN_MS = 1000;

export class LatestRequest {
  #next = null;
  #busy = false;
  #generation = 0;
  #show;

  /** `show` gets each answer, or the problem instead. */
  constructor(show) {
    this.#show = show;
  }

  /** Sends as soon as the request before is answered; only the latest `request` is sent. */
  send(request) {
    this.#next = request;
    if (!this.#busy) this.#run();
  }

  /** Drops the requests so far and their answers. */
  cancel() {
    this.#next = null;
    this.#generation += 1;
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
      this.#show(answer, problem);
    }
    this.#busy = false;
  }
}
