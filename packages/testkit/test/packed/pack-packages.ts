import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { repository, run } from './run.ts'

export type Published = 'core' | 'openai' | 'stripe'

export const published: readonly Published[] = ['core', 'openai', 'stripe']

/** Builds and packs every published package as a release does; answers the tarballs. */
export async function packPackages(folder: string): Promise<Record<Published, string>> {
  for (const name of published) {
    await pnpm(['pack', '--pack-destination', folder], join(repository, 'packages', name))
  }
  const files = readdirSync(folder)
  const tarball = (name: Published) => {
    const file = files.find((candidate) => candidate.startsWith(`token-meter-${name}-`))
    if (file === undefined) throw new Error(`pnpm pack made no tarball of ${name}: ${files.join()}`)
    return join(folder, file)
  }
  return { core: tarball('core'), openai: tarball('openai'), stripe: tarball('stripe') }
}

/** By the pnpm that runs the tests; only pnpm puts `publishConfig` into a packed manifest. */
function pnpm(args: readonly string[], cwd: string) {
  const own = process.env['npm_execpath'] ?? ''
  if (!own.includes('pnpm')) return run('npx', ['-y', 'pnpm@12', ...args], { cwd })
  const isScript = /\.[cm]?js$/.test(own)
  return isScript ? run(process.execPath, [own, ...args], { cwd }) : run(own, args, { cwd })
}
