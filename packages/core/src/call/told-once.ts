/**
 * What the application was told, so that it is not told again: of a whole process where a module holds one
 * of these, of one client where its observation does.
 */
export class ToldOnce {
  readonly #told = new Set<string>()

  has(what: string): boolean {
    return this.#told.has(what)
  }

  /** True the first time that it is asked of something, which counts as told from then on. */
  isNews(what: string): boolean {
    if (this.#told.has(what)) return false
    this.#told.add(what)
    return true
  }
}
