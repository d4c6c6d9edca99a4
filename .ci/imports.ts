/**
 * What may import what. `node .ci/imports.ts` writes the lint rules of this table to
 * `.ci/imports.json`, which `.oxlintrc.json` extends; a test holds the two together.
 *
 * An import that a rule forbids is a sign that a piece stands in the wrong folder, or that the folder
 * above should hand it in.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The stages of core: each imports what stands behind it, types too. */
export const stages = [
  'meter',
  'delivery',
  'environment',
  'outbox',
  'call',
  'cost',
  'sink',
  'wire',
  'event',
  'errors',
  'usage',
  'lib',
] as const

/** Folders of packages, and all that they may import from outside of the package. */
export const packages: readonly (readonly [folders: string, may: readonly string[]])[] = [
  // Readers of a wire format: no SDK, no client, nothing that runs.
  ['{openai,anthropic,google}/src/wire', ['@token-meter/core/wire']],
  [
    '{openai,anthropic,google}/src',
    [
      '@token-meter/core',
      '@token-meter/core/{adapter,wire}',
      'openai',
      'openai/**',
      '@anthropic-ai/**',
      '@google/genai',
      '@google/genai/**',
      '@ai-sdk/provider',
    ],
  ],
  [
    'ai-sdk/src',
    [
      '@token-meter/core',
      '@token-meter/core/{adapter,wire}',
      '@token-meter/{openai,anthropic,google}/{usage,wire}',
      '@token-meter/openai/wire/jobs',
      '@ai-sdk/provider',
    ],
  ],
  // A reader of another provider's dialect is imported, never copied.
  [
    'mistral/src',
    ['@token-meter/core', '@token-meter/core/{adapter,wire}', '@token-meter/openai/{usage,wire}'],
  ],
  // What checks Stripe's signature is built into it.
  [
    'credits/src/stripe',
    ['@token-meter/core/{cost,outbox}', '@token-meter/stripe/signed-request', 'stripe'],
  ],
  ['credits/src', ['@token-meter/core', '@token-meter/core/{cost,outbox}']],
  ['{cohere,ollama}/src/wire', ['@token-meter/core/wire']],
  ['{cohere,ollama}/src', ['@token-meter/core', '@token-meter/core/{adapter,wire}']],
  [
    'bedrock/src',
    [
      '@token-meter/core',
      '@token-meter/core/{adapter,wire}',
      '@token-meter/{openai,anthropic}/{usage,wire}',
    ],
  ],
  [
    '{stripe,metronome,lago,openmeter,opentelemetry}/src',
    [
      '@token-meter/core/{adapter,sink}',
      'stripe',
      'stripe/**',
      '@metronome/sdk',
      'lago-javascript-client',
      '@openmeter/sdk',
      '@opentelemetry/api',
    ],
  ],
  [
    'gateway/src',
    [
      '@token-meter/core',
      '@token-meter/core/{adapter,outbox,wire}',
      '@token-meter/openai/wire/realtime',
      '@token-meter/google/wire/live',
      'undici',
      'ws',
    ],
  ],
  [
    'cli/src',
    [
      '@token-meter/core',
      '@token-meter/core/{adapter,cost,genai-prices,outbox,sqlite}',
      '@token-meter/{openai,anthropic,google,gateway,postgres,credits,stripe}',
      'citty',
      'zod',
    ],
  ],
  ['postgres/src', ['@token-meter/core/{adapter,outbox,sink,wire}', 'pg']],
]

/** What is for servers alone, and so may import what Node brings. */
const onNode: ReadonlySet<string> = new Set(['gateway/src', 'cli/src'])

const edge = {
  regex: '^node:',
  allowTypeImports: true,
  message:
    'This loads on edge runtimes: import types only, and ask process.getBuiltinModule at the first use.',
}

function rule(files: readonly string[], patterns: readonly object[]): object {
  return {
    files,
    excludeFiles: ['**/*.test.ts', '**/*.test-d.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns }] },
  }
}

/** One for files in the folder of a stage, one for those a folder deeper: entries are above them. */
function stageRules(stage: string, index: number): readonly object[] {
  const above = stages.slice(0, index).map((name) => `|${name}/`)
  const below = stages.slice(index).join(' > ')
  return ['', '*/'].map((deeper) => {
    const up = deeper === '' ? '\\.\\./' : '\\.\\./\\.\\./'
    const message = `${stage} imports what stands behind it: ${below}.`
    const regex = `^@token-meter/|^${up}(?:[a-z-]+\\.ts$${above.join('')})`
    return rule([`packages/core/src/${stage}/${deeper}*.ts`], [edge, { regex, message }])
  })
}

function packageRule([folders, may]: (typeof packages)[number]): object {
  const group = ['*', '**/*', '!./**', '!../**', '!node:*', '!node:*/**']
  const message = `Of other packages, ${folders} imports ${may.join(', ')}.`
  const allowed = may.flatMap(alternatives).map((each) => `!${each}`)
  const outside = { group: [...group, ...allowed], message }
  return rule([`packages/${folders}/**`], onNode.has(folders) ? [outside] : [edge, outside])
}

/** `{a,b}/c` -> `a/c`, `b/c`: patterns of packages know no braces. */
function alternatives(pattern: string): readonly string[] {
  const [, before = '', list, after = ''] = /^([^{]*)\{([^}]*)\}(.*)$/.exec(pattern) ?? []
  if (list === undefined) return [pattern]
  return list.split(',').flatMap((one) => alternatives(`${before}${one}${after}`))
}

/** The text of `imports.json`. */
export function importRules(): string {
  // The later rule stands where two fit a file: the narrower one comes last.
  const ofPackages = packages.toReversed().map(packageRule)
  const entries = rule(
    ['packages/core/src/*.ts'],
    [edge, { regex: '^@token-meter/', message: 'core knows none of the packages built on it.' }],
  )
  const overrides = [entries, ...stages.flatMap(stageRules), ...ofPackages]
  return `${JSON.stringify({ overrides }, null, 2)}\n`
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, 'imports.json'), importRules())
