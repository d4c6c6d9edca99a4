/** Knows when no answer is being generated, so that the server can stop without losing usage. */
export class RunningAnswers {
  #running = 0
  #whenIdle: (() => void)[] = []

  /** An answer begins; call what this returns when it has ended. */
  begin(): () => void {
    this.#running++
    return () => {
      this.#running--
      if (this.#running > 0) return
      for (const resolve of this.#whenIdle.splice(0)) resolve()
    }
  }

  async idle(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve))
  }
}
