/** What is written later, unless something better comes first. */
export class HeldWrites {
  readonly #held = new Map<() => void, ReturnType<typeof setTimeout>>()

  /** Runs `write` after so long, which keeps no process alive. Answers how to take it back. */
  hold(write: () => void, forMs: number): () => void {
    const timer = setTimeout(() => this.#run(write), forMs)
    // A number where there is no Node.
    ;(timer as Partial<NodeJS.Timeout>).unref?.()
    this.#held.set(write, timer)
    return () => void this.#release(write)
  }

  /** Nothing better can come any more. */
  writeAll(): void {
    for (const write of this.#held.keys()) this.#run(write)
  }

  #run(write: () => void): void {
    if (this.#release(write)) write()
  }

  #release(write: () => void): boolean {
    clearTimeout(this.#held.get(write))
    return this.#held.delete(write)
  }
}
