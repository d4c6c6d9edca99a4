const custom = Symbol.for('nodejs.util.inspect.custom')

// From Node 26 on, console.log writes `Proxy(...)` around what is a proxy, and asks only the object
// inside how it wants to be shown.
const marksProxies =
  globalThis.process
    ?.getBuiltinModule?.('node:util')
    ?.inspect(new Proxy({}, {}))
    .startsWith('Proxy') === true

/** Lets a wrapped object be printed as it is printed without a wrapper: as itself. */
export function inspectAsRaw(target: object): void {
  if (!marksProxies || custom in target) return
  Reflect.defineProperty(target, custom, {
    value: () => target,
    configurable: true,
    writable: true,
  })
}
