import { ConfigError } from '../errors/config-error.ts'

/**
 * A package that the environment asks for and the application has installed beside this one.
 * Loaded at once and not by `import()`, so that a missing one is an error at the line that made
 * the meter.
 * @throws ConfigError that says what to install.
 */
export function installedPackage<Exports>(name: string, why: string): Exports {
  const { process } = globalThis
  const modules = process?.getBuiltinModule?.('node:module')
  const tried: unknown[] = []
  // The application's folder first; the running script's where it was started from elsewhere.
  for (const place of modules === undefined ? [] : [`${process.cwd()}/`, process.argv[1] ?? '']) {
    try {
      return modules?.createRequire(place)(name) as Exports
    } catch (cause) {
      if ((cause as { code?: string }).code !== 'MODULE_NOT_FOUND') {
        throw new ConfigError(`${why}, but ${name} could not be loaded`, { cause })
      }
      tried.push(cause)
    }
  }
  throw new ConfigError(
    `${why}, but the package ${name} is not installed: run npm install ${name}, or make the meter ` +
      `with createMeter({ sinks, outbox }) where packages cannot be looked up (bundles, edge runtimes)`,
    { cause: tried.at(-1) },
  )
}
