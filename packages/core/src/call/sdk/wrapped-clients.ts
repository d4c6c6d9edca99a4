// Process-wide, also across copies of this package: wrapping a wrapped client again wraps what is
// inside, so that a call is recorded once, for the customer named last.
const key = Symbol.for('token-meter.wrapped-clients')
const shared = globalThis as { [key]?: WeakMap<object, object> }
const clients = (): WeakMap<object, object> => (shared[key] ??= new WeakMap())

/** The client inside a metered one; any other client as it is. */
export function unwrapClient<Client extends object>(client: Client): Client {
  return (clients().get(client) as Client | undefined) ?? client
}

export function rememberWrapped(wrapped: object, client: object): void {
  clients().set(wrapped, client)
}
