/** The prototype furthest up that has the method itself: the SDK's base class. */
export function prototypeOwning(client: object, method: string): object | undefined {
  let owner: object | undefined
  for (let next: object | null = client; next !== null; next = Object.getPrototypeOf(next)) {
    if (Object.hasOwn(next, method) && next !== client) owner = next
  }
  return owner
}

/** True for a property that a proxy must answer as it is. */
export function isFixed(owner: object, property: string): boolean {
  const descriptor = Reflect.getOwnPropertyDescriptor(owner, property)
  return descriptor?.configurable === false && descriptor.writable === false
}
