/** The prototype furthest up that has the method itself: the SDK's base class. */
export function prototypeOwning(client: object, method: string): object | undefined {
  let owner: object | undefined
  for (let next: object | null = client; next !== null; next = Object.getPrototypeOf(next)) {
    if (Object.hasOwn(next, method) && next !== client) owner = next
  }
  return owner
}

/** The value of an own property; of a proxy that only answers gets in its own way, what is inside. */
export function ownValue(owner: object, property: string): unknown {
  return Reflect.getOwnPropertyDescriptor(owner, property)?.value
}

/** True for a property that a proxy must answer as it is. */
export function isFixed(owner: object, property: string): boolean {
  const descriptor = Reflect.getOwnPropertyDescriptor(owner, property)
  return descriptor?.configurable === false && descriptor.writable === false
}
