// What was drawn, as a list that can be gone back and forth in. Clearing is an entry
// too, so that it can be undone.

export class History {
  #done = [];
  #undone = [];

  push(entry) {
    this.#done.push(entry);
    this.#undone.length = 0;
  }

  /** The last entry is put aside; whether there was one. */
  undo() {
    const entry = this.#done.pop();
    if (entry) this.#undone.push(entry);
    return Boolean(entry);
  }

  redo() {
    const entry = this.#undone.pop();
    if (entry) this.#done.push(entry);
    return Boolean(entry);
  }

  get canUndo() {
    return this.#done.length > 0;
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  /** What can be seen: everything since the paper was last fresh. */
  get visible() {
    const fresh = this.#done.findLastIndex((entry) => entry.kind !== "stroke");
    const entries = this.#done.slice(Math.max(fresh, 0));
    return entries[0]?.kind === "clear" ? entries.slice(1) : entries;
  }
}
