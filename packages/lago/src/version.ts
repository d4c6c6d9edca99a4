import manifest from '../package.json' with { type: 'json' }

/** Of this package, as Lago sees it in the user agent. */
export const version: string = manifest.version
