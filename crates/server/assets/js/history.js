// What was drawn, with undo and redo. Clearing is an entry too, so that it can be undone.

export class History {
  #done = [];
  #undone = [];

  push(entry) {
    this.#done.push(entry);
    this.#undone.length = 0;
  }

  /** Undoes the last entry; returns whether there was one. */
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

  /** What can be seen: everything since the paper was last empty. */
  get visible() {
    const start = this.#done.findLastIndex((entry) => entry.kind !== "stroke");
    const entries = this.#done.slice(Math.max(start, 0));
    return entries[0]?.kind === "clear" ? entries.slice(1) : entries;
  }
}
