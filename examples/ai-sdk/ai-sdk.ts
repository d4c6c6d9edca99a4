/**
 * A tool loop and a stream with the AI SDK, metered: `node examples/ai-sdk/ai-sdk.ts`.
 *
 * With OPENAI_API_KEY it asks OpenAI, without one a provider on this machine. Nothing but the line
 * with `meter(...)` knows that the calls are counted.
 */
import { createOpenAI } from '@ai-sdk/openai'
import { aiSdkProvider, createMeter, memoryOutbox, type UsageRecord } from '@token-meter/ai-sdk'
import { generateText, stepCountIs, streamText, tool } from 'ai'
import { startLocalProvider } from './local-provider.ts'
import { printRecord } from './print-record.ts'
import { noInput } from './no-input.ts'

const isReal = Boolean(process.env['OPENAI_API_KEY'])
await using local = isReal ? undefined : await startLocalProvider()
console.log(isReal ? 'Asking OpenAI.' : 'No OPENAI_API_KEY: asking a provider on this machine.')

// Any async function is a sink; a billing backend would be stripeSink(), ...
const delivered: UsageRecord[] = []
const warehouse = async (records: readonly UsageRecord[]) => void delivered.push(...records)

await using meter = createMeter({
  providers: [aiSdkProvider],
  outbox: memoryOutbox(),
  sinks: [warehouse],
})

const openai = createOpenAI(local && { apiKey: 'none', baseURL: local.baseUrl })
const model = meter(openai.chat('gpt-5.4-mini'), 'cus_123')

const { text, steps } = await generateText({
  model,
  prompt: 'How many tins of Earl Grey are left?',
  tools: {
    stock: tool({
      description: 'Says how many tins of Earl Grey are in stock.',
      inputSchema: noInput,
      execute: () => ({ tins: 12 }),
    }),
  },
  stopWhen: stepCountIs(5),
})
console.log(`\n${text}   (${steps.length} steps, each of them a record)`)

process.stdout.write('\n')
for await (const part of streamText({ model, prompt: 'A line about tea.' }).textStream) {
  process.stdout.write(part)
}
console.log('\n')

await meter.flush()
delivered.forEach(printRecord)
