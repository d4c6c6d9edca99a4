import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { inject } from 'vitest'

/**
 * The tarball of each published package, by its folder's name, once all are packed.
 * @throws Error with what went wrong where they could not be.
 */
export async function tarballs(): Promise<Readonly<Record<string, string>>> {
  const file = inject('packed')
  while (!existsSync(file)) await sleep(200)
  const outcome = JSON.parse(readFileSync(file, 'utf8')) as
    | { tarballs: Record<string, string> }
    | { error: string }
  if ('error' in outcome) throw new Error(outcome.error)
  return outcome.tarballs
}
