import { asyncStorage } from '@token-meter/core/adapter'

const storage = asyncStorage<CallScope>('token-meter.ai-sdk.call')

/**
 * One metered call, while it runs. A metered model can sit inside another (a middleware around a
 * metered model, wrapped again): the one next to the provider records, since it sees every request
 * and the provider's own usage. It shows the call around it the objects that it recorded; where
 * those reappear in the outer answer, the outer call is the same one, seen again. Calls that a
 * middleware makes on the side (a search by embeddings) share no object with it, and count.
 */
export class CallScope {
  readonly #outer: CallScope | undefined = storage?.getStore()
  #recorded: WeakSet<object> | undefined
  #hasInnerStream = false

  /** Runs the call, and all that it starts, in this scope. */
  run<Result>(work: () => Result): Result {
    return storage === null ? work() : storage.run(this, work)
  }

  /** True where a metered call is around this one or was made inside it, which few have. */
  get isInvolved(): boolean {
    return this.#outer !== undefined || this.#recorded !== undefined
  }

  /** True where a metered call inside this one streams. */
  get hasInnerStream(): boolean {
    return this.#hasInnerStream
  }

  /** Tells the calls around this one that it streams. */
  showStream(): void {
    for (let scope = this.#outer; scope !== undefined; scope = scope.#outer) {
      scope.#hasInnerStream = true
    }
  }

  /** Shows the calls around this one what it recorded. */
  show(...values: readonly unknown[]): void {
    for (let scope = this.#outer; scope !== undefined; scope = scope.#outer) {
      scope.#recorded ??= new WeakSet()
      for (const value of values) if (isObject(value)) scope.#recorded.add(value)
    }
  }

  /** True where one of the values was recorded by a call inside this one. */
  sawRecorded(...values: readonly unknown[]): boolean {
    const recorded = this.#recorded
    if (recorded === undefined) return false
    return values.some((value) => isObject(value) && recorded.has(value))
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
