/** A socket by its shape, for tests in which the order of events is what matters. */
export class ScriptedSocket {
  readonly url: URL
  readonly socket = {}
  readonly #listeners = new Map<string, ((event: unknown) => void)[]>()

  constructor(url = 'wss://api.openai.com/v1/realtime?model=gpt-realtime') {
    this.url = new URL(url)
  }

  on(type: string, listener: (event: unknown) => void): this {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener])
    return this
  }

  send(): void {}

  emit(type: string, event?: unknown): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event)
  }

  play(...events: readonly unknown[]): void {
    for (const event of events) this.emit('event', event)
  }
}
