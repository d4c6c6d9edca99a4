/**
 * One customer of yours uses models of Amazon Bedrock: an answer, a stream, a prompt that is kept in the
 * cache, and a body of the model's own maker. Every request becomes a usage record.
 *
 *     node examples/bedrock/bedrock.ts                         # a stand-in for Bedrock on this machine
 *     AWS_REGION=us-east-1 node examples/bedrock/bedrock.ts    # the real one, with your AWS credentials
 */
import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  InvokeModelCommand,
} from '@aws-sdk/client-bedrock-runtime'
import { createBedrockProvider, createMeter, memoryOutbox } from '@token-meter/bedrock'
import { startLocalBedrock } from './local-bedrock.ts'
import { printRecord } from './print-record.ts'

const region = process.env['AWS_REGION']
await using local = region === undefined ? await startLocalBedrock() : undefined
const modelId = 'us.anthropic.claude-haiku-4-5-20251001-v1:0'

await using meter = createMeter({
  // Bedrock's own invocation logs name the customer too.
  providers: [createBedrockProvider({ requestMetadata: 'customer' })],
  outbox: memoryOutbox(),
})
meter.on('usage', printRecord)

const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
const client = new BedrockRuntimeClient(
  local === undefined ? {} : { region: 'us-east-1', endpoint: local.url, credentials },
)
const bedrock = meter(client, 'cus_ada', { attributes: { feature: 'assistant' } })
const ask = (text: string) => [{ role: 'user' as const, content: [{ text }] }]

console.log('An answer')
const { output } = await bedrock.send(
  new ConverseCommand({ modelId, messages: ask('Why is the sky blue? One sentence.') }),
)
console.log(`  "${output?.message?.content?.[0]?.text}"`)

console.log('A stream, whose last event says what it used')
const { stream } = await bedrock.send(
  new ConverseStreamCommand({ modelId, messages: ask('Count to five.') }),
)
for await (const event of stream ?? []) void event.contentBlockDelta?.delta?.text

console.log('A long prompt: written to the cache, then read from it')
const system = [
  { text: 'You are the keeper of a lighthouse. '.repeat(600) },
  { cachePoint: { type: 'default' as const } },
]
for (const question of ['Who are you?', 'What do you keep?']) {
  await bedrock.send(new ConverseCommand({ modelId, system, messages: ask(question) }))
}

console.log("InvokeModel, with the maker's own body")
const body = JSON.stringify({ prompt: 'The sky is', max_gen_len: 5 })
const modelOfMeta = 'us.meta.llama3-3-70b-instruct-v1:0'
await bedrock.send(new InvokeModelCommand({ modelId: modelOfMeta, body }))
