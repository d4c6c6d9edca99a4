import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository, run, type RunOptions } from './run.ts'

const packages = join(repository, 'packages')

/** The folders of the packages that a release publishes. */
export const published: readonly string[] = readdirSync(packages).filter((name) => {
  const manifest = readFileSync(join(packages, name, 'package.json'), 'utf8')
  return (JSON.parse(manifest) as { private?: boolean }).private !== true
})

/** What the package in a folder is called on npm. */
export function packageName(folder: string): string {
  const manifest = readFileSync(join(packages, folder, 'package.json'), 'utf8')
  return (JSON.parse(manifest) as { readonly name: string }).name
}

/** Builds and packs the packages as a release does, two at a time. Returns the tarballs by name. */
export async function packPackages(
  folder: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const waiting = [...published]
  const packNext = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift())
      await pnpm(['pack', '--pack-destination', folder], { cwd: join(packages, name), signal })
  }
  await Promise.all([packNext(), packNext()])
  const files = readdirSync(folder)
  const tarball = (name: string) => {
    // As npm does it: `@token-meter/core` is in `token-meter-core-1.0.0.tgz`.
    const beginning = `${packageName(name).replace('@', '').replace('/', '-')}-`
    const file = files.find(
      (candidate) =>
        candidate.startsWith(beginning) && /^\d/.test(candidate.slice(beginning.length)),
    )
    if (file === undefined) throw new Error(`pnpm pack made no tarball of ${name}: ${files.join()}`)
    return join(folder, file)
  }
  return Object.fromEntries(published.map((name) => [name, tarball(name)]))
}

/** By the pnpm that runs the tests; only pnpm puts `publishConfig` into a packed manifest. */
function pnpm(args: readonly string[], options: RunOptions) {
  const own = process.env['npm_execpath'] ?? ''
  if (!own.includes('pnpm')) return run('npx', ['-y', 'pnpm@12', ...args], options)
  const isScript = /\.[cm]?js$/.test(own)
  return isScript ? run(process.execPath, [own, ...args], options) : run(own, args, options)
}
