/** How long an answer is read on that nobody waits for any more. */

const limits = {
  ms: 10 * 60 * 1000,
  bytes: 32 * 2 ** 20,
  /** Where the model is done and its usage alone has yet to come. */
  afterLastWordMs: 2000,
}

/** What there is to be known of an answer whose caller is gone. */
export interface UnreadAnswer {
  /** Nothing of it is looked at. */
  readonly isUnread: boolean
  /** A part of its body has come. */
  readonly hasBody: boolean
  /** It can be ended early, by which its bill ends too. */
  readonly isAbortable: boolean
  /** The model is done, and its usage has yet to come. */
  readonly awaitsUsage: boolean
}

/** Begins when the caller is gone. */
export class Drain {
  readonly #giveUp: () => void
  #timer: NodeJS.Timeout
  #bytes = 0
  #isLastWord = false

  constructor(giveUp: () => void) {
    this.#giveUp = giveUp
    this.#timer = setTimeout(giveUp, limits.ms)
  }

  saw(bytes: number): void {
    this.#bytes += bytes
  }

  /** Gives up where nothing is left to be known, or where that stops the bill. */
  check({ isUnread, hasBody, isAbortable, awaitsUsage }: UnreadAnswer): void {
    if (isUnread || this.#bytes > limits.bytes) return this.#giveUp()
    // What the model was asked costs something too: an abort waits for its first word.
    if (!isAbortable || !hasBody) return
    if (!awaitsUsage) return this.#giveUp()
    if (this.#isLastWord) return
    this.#isLastWord = true
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#giveUp, limits.afterLastWordMs)
  }

  end(): void {
    clearTimeout(this.#timer)
  }
}
