import { readFileSync } from 'node:fs'

/** The version of this package. Read when it is asked for: the manifest stands beside `src` and `dist` alike. */
export function version(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { readonly version: string }).version
}
