import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What becomes of a method's usage: recorded, nothing to record, or unknown and reported. */
export type Verdict = 'metered' | 'free' | 'not metered'

/** What a table says of a method, or of all whose name begins alike (`beta.prompts.*`). */
export interface MethodRow {
  readonly name: string
  readonly verdict: Verdict
  readonly why: string
}

/** The rows of a table as tests write it: a verdict with its reason, and below it what it holds for. */
export function parsedRows(text: string): MethodRow[] {
  let reason = { verdict: 'free' as Verdict, why: '' }
  return text
    .trim()
    .split('\n')
    .flatMap((line) => {
      if (!line.startsWith('  ')) {
        const [verdict, why = ''] = line.split(' | ')
        reason = { verdict: verdict as Verdict, why }
        return []
      }
      const [resource, methods = ''] = line.trim().split(': ')
      return methods.split(' ').map((method) => ({ name: `${resource}.${method}`, ...reason }))
    })
}

/** A row of a METHODS.md with the request of each method. */
export interface DocumentedMethod {
  readonly name: string
  /** `POST /v1/chat`; `undefined` for none. */
  readonly request: string | undefined
  readonly kind: string
}

/** @param tests the folder of a package's tests. */
export function documentedMethods(tests: string): readonly DocumentedMethod[] {
  const table = readFileSync(join(tests, '..', 'METHODS.md'), 'utf8')
  return [...table.matchAll(/^\| `(.+?)` +\| (.+?) +\| (.+?) +\|/gm)].map(
    ([, name = '', request = '', kind = '']) => ({
      name,
      request: request === '-' ? undefined : request.replaceAll('`', ''),
      kind,
    }),
  )
}
