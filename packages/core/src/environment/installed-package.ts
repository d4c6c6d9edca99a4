import { ConfigError } from '../errors/errors.ts'
import { builtInModule } from '../lib/runtime.ts'

// One for the process: a bundle can hold several copies of this package.
const key = Symbol.for('token-meter.packages')
const shared = globalThis as { [key]?: Map<string, object> }

/**
 * Makes a package known without its being looked up, for bundles that have no `node_modules` beside
 * them: the `register` entry of each package that the environment can ask for does this.
 */
export function registerPackage(name: string, exports: object): void {
  shared[key] ??= new Map()
  shared[key].set(name, exports)
}

/**
 * A package that the environment asks for: one that was registered, else one that the application has
 * installed beside this one. Loaded at once and not by `import()`, so that a missing one is known
 * where the meter is made.
 * @throws ConfigError that says what to install or import.
 */
export function installedPackage<Exports>(name: string, why: string): Exports {
  const registered = shared[key]?.get(name)
  if (registered !== undefined) return registered as Exports
  let cause: unknown
  for (const place of places()) {
    try {
      return builtInModule('node:module').createRequire(place)(name) as Exports
    } catch (failure) {
      if ((failure as { code?: string }).code !== 'MODULE_NOT_FOUND') {
        throw new ConfigError(`${why}, but ${name} could not be loaded`, { cause: failure })
      }
      cause = failure
    }
  }
  throw new ConfigError(
    `${why}, but the package ${name} is not there: run npm install ${name}, and where the application ` +
      `is bundled without node_modules write import '${name}/register' in it`,
    { cause },
  )
}

/** The application's folder first; the running script's where it was started from elsewhere. */
function places(): readonly string[] {
  const modules = builtInModule('node:module') as object | undefined
  return modules === undefined ? [] : [`${process.cwd()}/`, process.argv[1] ?? '']
}
