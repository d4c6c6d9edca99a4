import { execFile } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startReplayServer } from '@token-meter/testkit'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { chatCompletion, chatScript, countedTokens } from './scripts.ts'

const application = `
import OpenAI from 'openai'
import { createMeter, memoryOutbox, openaiProvider } from '../src/index.ts'

const records = []
const meter = createMeter({ providers: [openaiProvider], outbox: memoryOutbox() })
meter.on('usage', ({ tokens }) => records.push(tokens))
const openai = meter(new OpenAI({ apiKey: 'x', baseURL: process.argv[2] }), 'cus_1')
const request = { model: 'm', messages: [] }
await openai.chat.completions.create(request)
await openai.chat.completions.parse(request)
for await (const _ of openai.chat.completions.stream(request));
await meter.close()
console.log(JSON.stringify(records))
`

test.each([true, false])('works from one bundled file, minified: %s', async (minify) => {
  const outfile = join(mkdtempSync(join(tmpdir(), 'token-meter-')), 'bundle.mjs')
  await build({
    stdin: { contents: application, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    minify,
    outfile,
  })
  await using provider = await startReplayServer()
  provider.serve(chatCompletion, { times: 2 })
  provider.serve(chatScript)
  const { stdout } = await promisify(execFile)(process.execPath, [outfile, `${provider.url}/v1`])
  expect(JSON.parse(stdout)).toEqual([countedTokens, countedTokens, countedTokens])
})
