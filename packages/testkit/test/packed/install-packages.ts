import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pinned } from './manifest.ts'
import { run } from './run.ts'

/** What an application installs beside our packages, in the versions that their folders pin. */
const sdks = [
  ['packages/openai', 'openai'],
  ['packages/anthropic', '@anthropic-ai/sdk'],
  ['packages/google', '@google/genai'],
  ['packages/mistral', '@mistralai/mistralai'],
  ['packages/cohere', 'cohere-ai'],
  ['packages/bedrock', '@aws-sdk/client-bedrock-runtime'],
  ['packages/bedrock', '@smithy/node-http-handler'],
  ['packages/ollama', 'ollama'],
  ['packages/ai-sdk', 'ai'],
  ['packages/ai-sdk', '@ai-sdk/openai'],
  ['packages/stripe', 'stripe'],
  ['.', 'vitest'],
  ['.', '@types/node'],
] as const

/** An application's folder with the tarballs and the SDKs from npm, and the scripts of `app/`. */
export async function installPackages(
  folder: string,
  tarballs: Readonly<Record<string, string>>,
): Promise<string> {
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  const packages = [
    ...Object.values(tarballs),
    // @ai-sdk/provider's declarations need it and do not depend on it.
    '@types/json-schema@7',
    ...sdks.map(([folder, name]) => `${name}@${pinned(folder, name)}`),
  ]
  const flags = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund']
  await run('npm', ['install', ...flags, ...packages], { cwd: folder })
  cpSync(join(import.meta.dirname, 'app'), folder, { recursive: true })
  return folder
}

/** What runs its tests, beside it. */
export async function installJest(application: string): Promise<string> {
  const flags = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--no-save']
  await run('npm', ['install', ...flags, 'jest@30.5.2'], { cwd: application })
  return join(application, 'node_modules/jest/bin/jest.js')
}

/**
 * The same application, where nobody has installed the Stripe sink. Our packages are copies, which look
 * for others beside themselves; what they depend on is linked.
 */
export function withoutStripeSink(application: string, folder: string): string {
  const [from, to] = [join(application, 'node_modules'), join(folder, 'node_modules')]
  mkdirSync(to, { recursive: true })
  cpSync(join(import.meta.dirname, 'app'), folder, { recursive: true })
  for (const name of readdirSync(from)) {
    if (name !== '@token-meter') symlinkSync(join(from, name), join(to, name), 'junction')
  }
  for (const name of readdirSync(join(from, '@token-meter'))) {
    const ours = join('@token-meter', name)
    if (name !== 'stripe') cpSync(join(from, ours), join(to, ours), { recursive: true })
  }
  return folder
}
