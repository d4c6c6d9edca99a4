/**
 * An application that makes metered calls for ever: `node metered-child.ts <provider> <database>
 * <spool folder> <schema>`. It says on stdout when one has resolved, and how long it took in ms.
 */
import { writeSync } from 'node:fs'
import { createMeter } from '@token-meter/core'
import { openaiProvider } from '@token-meter/openai'
import { postgresOutbox } from '@token-meter/postgres'
import OpenAI from 'openai'

const [, , providerUrl = '', connectionString = '', spoolFolder = '', schema = ''] = process.argv
const meter = createMeter({
  providers: [openaiProvider],
  outbox: postgresOutbox({ connectionString }, { schema, spoolFolder }),
})
const client = new OpenAI({ apiKey: 'none', baseURL: `${providerUrl}/v1`, maxRetries: 0 })
const openai = meter(client, 'cus_1')
for (let count = 0; ; count++) {
  const began = performance.now()
  const user = `call-${count}`
  await openai.chat.completions.create({
    model: 'gpt-5.4',
    messages: [{ role: 'user', content: 'Is tea hot?' }],
    user,
  })
  writeSync(1, `${user} ${Math.round(performance.now() - began)}\n`)
}
