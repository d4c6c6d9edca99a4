const remembered = 10_000

/** Ids that were seen lately, so many that none comes twice, and bounded. */
export class RecentIds {
  readonly #ids = new Set<string>()

  /** True for an id that it is given for the first time; what is no id is always new. */
  isNew(id: unknown): boolean {
    if (typeof id !== 'string' || id === '') return true
    if (this.#ids.has(id)) return false
    this.#ids.add(id)
    const [oldest] = this.#ids
    if (this.#ids.size > remembered && oldest !== undefined) this.#ids.delete(oldest)
    return true
  }

  has(id: unknown): boolean {
    return typeof id === 'string' && this.#ids.has(id)
  }
}
