import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { packPackages } from './pack-packages.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The tarball of each published package, by its folder's name. */
    tarballs: Readonly<Record<string, string>>
  }
}

/** Builds and packs once for all that is tried with the packages as published. */
export default async function setup(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-tarballs-'))
  project.provide('tarballs', await packPackages(folder))
  return () => rmSync(folder, { recursive: true, force: true })
}
