'use strict'
// Run by Jest in its default mode, which can load CommonJS only, from every package on.
const { readdirSync } = require('node:fs')
const { join } = require('node:path')
const { createMeter, functionSink } = require('@token-meter/core')
const { sqliteOutbox } = require('@token-meter/core/sqlite')
const { openaiProvider } = require('@token-meter/openai')
const { OpenAI } = require('openai')
const startLocalProvider = require('../local-provider.cjs')

test.each(readdirSync(join(__dirname, '../node_modules/@token-meter')))('loads %s', (name) => {
  expect(Object.keys(require(`@token-meter/${name}`))).not.toEqual([])
})

test('a call is metered, delivered and asserted on', async () => {
  const provider = await startLocalProvider()
  const delivered = []
  const outbox = sqliteOutbox(join(__dirname, 'usage.db'))
  const sinks = [functionSink('test', async (records) => void delivered.push(...records))]
  const meter = createMeter({ providers: [openaiProvider], outbox, sinks })
  const client = new OpenAI({ apiKey: 'k', baseURL: `${provider.url}/v1` })
  const openai = meter(client, 'cus_jest')
  const spy = jest.spyOn(openai.chat.completions, 'create')
  const request = { model: 'gpt-5.4-mini', messages: [{ role: 'user', content: 'hi' }] }
  await openai.chat.completions.create(request)
  expect(spy).toHaveBeenCalledWith(request)
  expect({ openai }).toEqual({ openai })
  await meter.close()
  provider.close()
  expect(delivered).toMatchObject([{ customer: 'cus_jest', tokens: { input: 179, output: 57 } }])
})
