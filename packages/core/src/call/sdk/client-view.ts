import { hasPrivateFields, isFixed } from './reflection.ts'

/** What a view of a client shows otherwise than the client does. */
export interface ViewShape {
  /**
   * Makes what is shown in place of a value, an object or a function; `undefined` where the value itself
   * is shown. Each is made once.
   *
   * @param view makes a view of an object that belongs to the client, such as a resource.
   */
  replacement(
    target: object,
    name: string,
    value: unknown,
    view: <Target extends object>(target: Target) => Target,
  ): (() => object) | undefined
  /** Something of the client cannot be observed: its calls work, and are not metered. */
  fault(what: string): void
}

// `Reflect.apply` is how these are called.
type Method = (...args: unknown[]) => unknown

/**
 * The given client in every respect, but for what its shape replaces: for SDKs whose methods look for
 * what they send by on their own object. What is written to the view is written to the client; of the
 * client nothing is changed.
 *
 * The SDK's getters run on the client, since they keep there what they make; its methods, and those of
 * subclasses, on the view. Only what has private fields, which a proxy has none of, runs on the client.
 */
export function clientView<Client extends object>(client: Client, shape: ViewShape): Client {
  /** Of what belongs to the client, what is shown in its place; and the other way round. */
  const shown = new WeakMap<object, object>()
  const inside = new WeakMap<object, object>()
  return view(client)

  function view<Target extends object>(given: Target): Target {
    const isPrivate = hasPrivateFields(given, topClass(given))
    return inPlaceOf(given, () => {
      const proxy: object = new Proxy(given as object, {
        get(target, name) {
          const owner = ownerOf(target, name)
          const isRaw =
            isGetterOf(owner, name) && (isTop(owner) || (isPrivate && isPrivateTo(owner)))
          const value: unknown = Reflect.get(target, name, isRaw ? target : proxy)
          if (isPrivate && typeof value === 'function' && owner !== target && isPrivateTo(owner)) {
            return inPlaceOf(value, () => unmetered(value as Method, target, proxy))
          }
          if (isOthers(target, name, value, owner)) {
            shape.fault(
              `"${String(name)}" of a wrapped client is not the SDK's own, so that its calls are not ` +
                'metered: meter the client first, and wrap what is metered',
            )
          }
          return see(target, name, value)
        },
        set: (target, name, value) => Reflect.set(target, name, original(value), target),
        // For spies: they replace a property by what they find it to be.
        getOwnPropertyDescriptor(target, name) {
          const found = Reflect.getOwnPropertyDescriptor(target, name)
          if (found !== undefined && 'value' in found) found.value = see(target, name, found.value)
          return found
        },
        defineProperty(target, name, given) {
          const own = 'value' in given ? { ...given, value: original(given.value) } : given
          return Reflect.defineProperty(target, name, own)
        },
      })
      return proxy as Target
    })
  }

  function see(target: object, name: string | symbol, value: unknown): unknown {
    // A getter that ran on the view may give what the view shows.
    if (typeof name === 'symbol' || !isReference(value) || inside.has(value)) return value
    const make = shape.replacement(target, name, value, view)
    if (make === undefined) return value
    if (!isFixed(target, name)) return inPlaceOf(value, make)
    shape.fault(`"${name}" of a frozen client cannot be metered: meter it before it is frozen`)
    return value
  }

  /** A method with private fields, which runs on the client itself. */
  function unmetered(method: Method, target: object, proxy: object): Method {
    return new Proxy(method, {
      apply(_, self, args: unknown[]) {
        shape.fault(
          'a method of a subclass with private fields runs unmetered: call the SDK on the metered client',
        )
        return Reflect.apply(method, self === proxy ? target : self, args)
      },
    })
  }

  function inPlaceOf<Value extends object>(value: Value, make: () => Value): Value {
    const known = shown.get(value)
    if (known !== undefined) return known as Value
    const made = make()
    shown.set(value, made)
    inside.set(made, value)
    return made
  }

  function original(value: unknown): unknown {
    return (isReference(value) ? inside.get(value) : undefined) ?? value
  }
}

/** A method that another tool shows in place of the SDK's: it calls that on the client inside. */
function isOthers(
  target: object,
  name: string | symbol,
  value: unknown,
  owner: object | undefined,
): boolean {
  if (typeof value !== 'function' || owner === undefined || owner === target) return false
  const { value: sdks } = Reflect.getOwnPropertyDescriptor(owner, name) ?? {}
  return typeof sdks === 'function' && sdks !== value
}

function isReference(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/** The object or the prototype that has the property. */
function ownerOf(target: object, name: string | symbol): object | undefined {
  for (
    let at: object | null = target;
    at !== null;
    at = Object.getPrototypeOf(at) as object | null
  ) {
    if (Object.hasOwn(at, name)) return at
  }
  return undefined
}

function isGetterOf(owner: object | undefined, name: string | symbol): boolean {
  return owner !== undefined && Reflect.getOwnPropertyDescriptor(owner, name)?.get !== undefined
}

/** True for the prototype of a class that extends none: the SDK's own. */
function isTop(prototype: object | undefined): boolean {
  return prototype !== undefined && Object.getPrototypeOf(prototype) === Object.prototype
}

function topClass(client: object): object {
  let at = Object.getPrototypeOf(client) as object
  while (at !== null && !isTop(at) && at !== Object.prototype)
    at = Object.getPrototypeOf(at) as object
  return at
}

function isPrivateTo(prototype: object | undefined): boolean {
  if (prototype === undefined || prototype === Object.prototype) return false
  return hasPrivateFields(
    Object.create(prototype) as object,
    Object.getPrototypeOf(prototype) as object,
  )
}
