/**
 * Functions that a wrapped object gives back as they are, because the caller compares them: those
 * that were assigned to it, such as a spy of Jasmine, and those that the client was made with. What
 * such a function answers without a request of the client cannot be seen, and is not billed.
 */
export class AssignedFunctions {
  readonly #functions: WeakSet<object>

  constructor(given: readonly unknown[] = []) {
    this.#functions = new WeakSet(given.filter((value) => typeof value === 'function'))
  }

  has(value: object): boolean {
    return this.#functions.has(value)
  }

  /** Writes to the object inside, as the `set` of a proxy. */
  assign(target: object, property: string | symbol, value: unknown): boolean {
    if (typeof value === 'function') this.#functions.add(value)
    return Reflect.set(target, property, value, target)
  }
}
