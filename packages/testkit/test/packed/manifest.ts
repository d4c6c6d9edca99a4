import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from './run.ts'

interface Manifest {
  readonly devDependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
}

/** The version that a package of this repository (or its root, `.`) pins a dependency to. */
export function pinned(folder: string, dependency: string): string {
  const file = join(repository, folder, 'package.json')
  const { devDependencies, optionalDependencies } = JSON.parse(
    readFileSync(file, 'utf8'),
  ) as Partial<Manifest>
  const version = { ...optionalDependencies, ...devDependencies }[dependency]
  if (version === undefined) throw new Error(`${file} does not pin ${dependency}`)
  return version
}
