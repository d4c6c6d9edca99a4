/** A value, or a promise of one: what a store that may be remote returns. */
export type Awaitable<Value> = Value | Promise<Value>
