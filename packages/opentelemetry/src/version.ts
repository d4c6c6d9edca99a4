import manifest from '../package.json' with { type: 'json' }

/** Of this package, as the instrumentation scope of its metrics names it. */
export const version: string = manifest.version
