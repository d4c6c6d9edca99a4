import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { packPackages } from './pack-packages.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where it will be said what was packed, see `tarballs`. */
    packed: string
  }
}

/**
 * Builds and packs once for all that is tried with the packages as published. Other tests need not
 * wait for it: it goes on beside them, and those that need it do (`tarballs`).
 */
export default function setup(project: TestProject): () => Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-tarballs-'))
  const file = join(folder, 'packed.json')
  // Moved there whole, so that nobody reads half of it.
  const say = (outcome: object) => {
    writeFileSync(`${file}.part`, JSON.stringify(outcome))
    renameSync(`${file}.part`, file)
  }
  const stop = new AbortController()
  const packing = packPackages(folder, stop.signal).then(
    (tarballs) => say({ tarballs }),
    (error: unknown) => say({ error: String(error) }),
  )
  project.provide('packed', file)
  return async () => {
    stop.abort()
    await packing
    rmSync(folder, { recursive: true, force: true })
  }
}
