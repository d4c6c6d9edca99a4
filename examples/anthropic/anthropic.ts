/**
 * One conversation with Claude that two customers pay for, and the bill of each.
 *
 *     node examples/anthropic/anthropic.ts
 *
 * Without a key it talks to a stand-in on this machine; with ANTHROPIC_API_KEY to Anthropic.
 */
import Anthropic from '@anthropic-ai/sdk'
import {
  anthropicProvider,
  createMeter,
  memoryOutbox,
  type UsageRecord,
} from '@token-meter/anthropic'
import { startLocalClaude } from './local-claude.ts'

await using local = process.env['ANTHROPIC_API_KEY'] ? undefined : await startLocalClaude()
const client = new Anthropic(local && { apiKey: 'none', baseURL: local.url })

// The ledger is in memory here, and the sink prints; see the other examples for real ones.
await using meter = createMeter({
  providers: [anthropicProvider],
  outbox: memoryOutbox(),
  sinks: [printRecords],
})

const model = process.env['ANTHROPIC_MODEL'] ?? 'claude-sonnet-5'
const ask = (content: string) => ({
  model,
  max_tokens: 200,
  messages: [{ role: 'user' as const, content }],
})

// The same client as before, and one more word: who pays.
const ada = meter(client, 'cus_ada')
const message = await ada.messages.create(ask('Name a prime number.'))
console.log('cus_ada:', textOf(message))

// Helpers are metered too; this one pays by the context it runs in.
const shared = meter(client, () => undefined)
await meter.withCustomer('cus_bob', async () => {
  const stream = shared.messages.stream(ask('Count to five.'))
  console.log('cus_bob:', textOf(await stream.finalMessage()))
})

// Left half way: Anthropic has said what the input was, and the output is estimated.
for await (const event of await ada.messages.create({ ...ask('Count to five.'), stream: true })) {
  if (event.type === 'content_block_delta') break
}
console.log('cus_ada: (left half way)\n')

await meter.flush()

function textOf({ content }: Anthropic.Message): string {
  return content.map((block) => (block.type === 'text' ? block.text : '')).join('')
}

async function printRecords(records: readonly UsageRecord[]): Promise<void> {
  for (const { customer, provider, model, tokens, outcome } of records) {
    const { input, cachedInput, cachedWrite, output } = tokens
    const counts = `${input} in, ${cachedInput} cached, ${cachedWrite} written, ${output} out`
    console.log(`${customer} pays ${provider}/${model}: ${counts} (${outcome})`)
  }
}
