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

const privateFields = new WeakMap<object, boolean>()

/**
 * Whether a class that an application derived from the SDK's has private fields, which a proxy has
 * none of. By the source of these classes: there is no other way to see it.
 *
 * @param sdkClass the prototype of the SDK's own class.
 */
export function hasPrivateFields(client: object, sdkClass: object): boolean {
  const start = Object.getPrototypeOf(client) as object
  let known = privateFields.get(start)
  if (known === undefined) {
    known = false
    let owner: object | null = start
    while (owner !== null && owner !== sdkClass) {
      const source = Function.prototype.toString.call(owner.constructor)
      known ||= usesPrivateFields.test(source)
      owner = Object.getPrototypeOf(owner) as object | null
    }
    privateFields.set(start, known)
  }
  return known
}

/** As it stands in code: a comment can be `// #region`. */
const usesPrivateFields =
  /\.\s*#[\p{L}_$]|#[\p{L}_$][\p{L}\p{N}_$]*\s+in\b|__classPrivateField|WeakMap/u

/** True for a property that a proxy must answer as it is. */
export function isFixed(owner: object, property: string): boolean {
  const descriptor = Reflect.getOwnPropertyDescriptor(owner, property)
  return descriptor?.configurable === false && descriptor.writable === false
}

/**
 * Functions that a wrapped object gives back as they are, because the caller compares them: those
 * that were assigned to it, such as a spy of Jasmine, and those that the client was made with. What
 * such a function answers without a request of the client cannot be seen, and is not billed.
 */
export class AssignedFunctions {
  // Most clients are given none, and each call asks.
  #functions: WeakSet<object> | undefined

  constructor(given: readonly unknown[] = []) {
    for (const value of given) if (typeof value === 'function') this.#add(value)
  }

  has(value: object): boolean {
    return this.#functions?.has(value) === true
  }

  #add(value: object): void {
    this.#functions ??= new WeakSet()
    this.#functions.add(value)
  }

  /** Writes to the object inside, as the `set` of a proxy. */
  assign(target: object, property: string | symbol, value: unknown): boolean {
    if (typeof value === 'function') this.#add(value)
    return Reflect.set(target, property, value, target)
  }
}
