import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pinned } from './manifest.ts'
import type { Published } from './pack-packages.ts'
import { run } from './run.ts'

/** An application's folder with the tarballs and the SDKs from npm, and the scripts of `app/`. */
export async function installPackages(
  folder: string,
  tarballs: Readonly<Record<Published, string>>,
): Promise<string> {
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  const packages = [
    ...Object.values(tarballs),
    `openai@${pinned('packages/openai', 'openai')}`,
    `stripe@${pinned('packages/stripe', 'stripe')}`,
    `@types/node@${pinned('.', '@types/node')}`,
  ]
  const flags = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund']
  await run('npm', ['install', ...flags, ...packages], { cwd: folder })
  cpSync(join(import.meta.dirname, 'app'), folder, { recursive: true })
  return folder
}

/** The same application, where nobody has installed the Stripe sink. */
export function withoutStripeSink(application: string, folder: string): string {
  cpSync(application, folder, { recursive: true })
  rmSync(join(folder, 'node_modules/@token-meter/stripe'), { recursive: true })
  return folder
}
