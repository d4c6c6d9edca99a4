/** How many bytes of request bodies a process holds at once: many callers with large ones must not end it. */
export class BytesInFlight {
  readonly #most: number
  #held = 0

  constructor(most: number) {
    this.#most = most
  }

  get held(): number {
    return this.#held
  }

  /** True where so many fit still. */
  fits(bytes: number): boolean {
    return this.#held + bytes <= this.#most
  }

  /** @returns false, and takes nothing, where they do not fit. */
  take(bytes: number): boolean {
    if (!this.fits(bytes)) return false
    this.#held += bytes
    return true
  }

  give(bytes: number): void {
    this.#held -= bytes
  }
}
