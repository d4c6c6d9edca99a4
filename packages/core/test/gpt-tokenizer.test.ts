import { execFile } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { build } from 'tsup'
import { describe, expect, test } from 'vitest'
import { gptTokenizer } from '../src/gpt-tokenizer.ts'

const prose = `Every evening the lighthouse keeper climbed the narrow stairs, wiped the salt from the
glass and lit the lamp. Ships passed without a word; he knew most of them by their engines. `
const code = `export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
`

describe('gptTokenizer', () => {
  test.each([
    ['English', prose.repeat(20)],
    ['code', code.repeat(40)],
    ['JSON', JSON.stringify(Array.from({ length: 60 }, (_, id) => ({ id, name: `item ${id}` })))],
    ['Chinese', '每天傍晚，灯塔看守人都会爬上狭窄的楼梯，擦去玻璃上的盐，点亮灯。'.repeat(40)],
  ])('counts %s within 2 %% of the whole text at once', async (_, text) => {
    const tokenizer = gptTokenizer()
    await tokenizer.ready
    const counted = tokenizer.count(text, 'gpt-5.4') ?? 0
    expect(Math.abs(counted / countTokens(text) - 1)).toBeLessThan(0.02)
  })

  test('takes special tokens for text', async () => {
    const tokenizer = gptTokenizer()
    await tokenizer.ready
    const text = 'ends with <|endoftext|> and <|im_start|>'
    expect(() => countTokens(text)).toThrow()
    expect(tokenizer.count(text, 'gpt-5.4')).toBeGreaterThan(10)
  })

  test('text without a single break is cut, which it needs to be counted in time', async () => {
    const tokenizer = gptTokenizer()
    await tokenizer.ready
    // In one piece each of these takes the package a good part of a second.
    for (const run of ['灯塔看守人', '=', ' ', '\n', 'aab']) {
      expect(tokenizer.count(run.repeat(16_384 / run.length), 'm')).toBeGreaterThan(50)
    }
  })

  test('counts for Claude by 1.2', async () => {
    const tokenizer = gptTokenizer()
    await tokenizer.ready
    const [claude = 0, gpt = 0] = ['claude-sonnet-4-6', 'gpt-5.4'].map((model) =>
      tokenizer.count(prose, model),
    )
    expect(claude).toBe(Math.ceil(gpt * 1.2))
  })

  test('has the vocabulary of older models too', async () => {
    const [newer, older] = [gptTokenizer(), gptTokenizer({ encoding: 'cl100k_base' })]
    await Promise.all([newer.ready, older.ready])
    const text = '灯塔看守人'
    expect(older.count(text, 'gpt-4')).toBeGreaterThan(newer.count(text, 'gpt-4o') ?? 0)
  })

  test('refuses an encoding that it does not know', () => {
    for (const encoding of ['gpt2', 'toString']) {
      expect(() => gptTokenizer({ encoding: encoding as never })).toThrow(
        expect.objectContaining({ code: 'config' }),
      )
    }
  })
})

const application = `
  const errors = []
  const tokenizer = gptTokenizer()
  const meter = createMeter({
    providers: [], outbox: memoryOutbox(), tokenizer, onError: ({ message }) => errors.push(message),
  })
  tokenizer.ready.catch(async (error) => {
    await meter.close()
    console.log(JSON.stringify({ code: error.code, message: error.message, errors }))
  })
`
const names = '{ createMeter, memoryOutbox }'

test.each([
  [
    'ESM',
    'mjs',
    `import ${names} from './index.js'; import { gptTokenizer } from './gpt-tokenizer.js'`,
  ],
  [
    'CommonJS',
    'cjs',
    `const ${names} = require('./index.cjs'); const { gptTokenizer } = require('./gpt-tokenizer.cjs')`,
  ],
])(
  'as %s, core works where gpt-tokenizer is not installed, and says so',
  async (_, kind, imports) => {
    const outDir = mkdtempSync(join(tmpdir(), 'token-meter-'))
    writeFileSync(join(outDir, 'package.json'), '{"type":"module"}')
    await build({
      config: false,
      silent: true,
      dts: false,
      entry: ['src/index.ts', 'src/gpt-tokenizer.ts'].map((file) =>
        join(import.meta.dirname, '..', file),
      ),
      outDir,
      format: kind === 'mjs' ? 'esm' : 'cjs',
      external: ['gpt-tokenizer'],
      noExternal: ['p-retry', 'uuid'],
      target: 'node22',
    })
    const script = join(outDir, `application.${kind}`)
    writeFileSync(script, `${imports}\n${application}`)
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [script])
    const { code, message, errors } = JSON.parse(stdout) as Record<string, string>
    expect(code).toBe('config')
    expect(message).toMatch(/npm install gpt-tokenizer/)
    expect(errors).toMatchObject([expect.stringContaining(message as string)])
    expect(stderr).toBe('')
  },
)
