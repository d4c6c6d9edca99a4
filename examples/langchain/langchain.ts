/**
 * One model of LangChain for two customers: a chain that streams, an agent with a tool, embeddings, and
 * what each call is recorded as. Runs without keys, against a provider on this machine; with
 * OPENAI_API_KEY against OpenAI.
 */
import { StringOutputParser } from '@langchain/core/output_parsers'
import { ChatPromptTemplate } from '@langchain/core/prompts'
import { tool } from '@langchain/core/tools'
import { createReactAgent } from '@langchain/langgraph/prebuilt'
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai'
import { createMeter, memoryOutbox, openaiProvider, type UsageRecord } from '@token-meter/openai'
import { z } from 'zod'
import { startLocalProvider } from './local-provider.ts'

const local = process.env['OPENAI_API_KEY'] ? undefined : await startLocalProvider()

const meter = createMeter({ providers: [openaiProvider], outbox: memoryOutbox() })
const records: UsageRecord[] = []
meter.on('usage', (record) => void records.push(record))

// Everything that LangChain sends goes through this. Who pays is named around each call.
const fetch = meter.fetch(() => undefined)
const connection =
  local === undefined
    ? { configuration: { fetch } }
    : { apiKey: 'none', configuration: { fetch, baseURL: `${local.url}/v1` } }

const llm = new ChatOpenAI({ model: 'gpt-5.4', ...connection })

const chain = ChatPromptTemplate.fromTemplate('Say something about {drink}, in three words.')
  .pipe(llm)
  .pipe(new StringOutputParser())

const stream = await meter.withCustomer('cus_tea_shop', () => chain.stream({ drink: 'tea' }))
for await (const text of stream) process.stdout.write(text)
process.stdout.write('\n')

const stock = tool(({ tea }) => `12 tins of ${tea} tea`, {
  name: 'stock',
  description: 'How much of a tea there is.',
  schema: z.object({ tea: z.string() }),
})
const agent = createReactAgent({ llm, tools: [stock] })
const { messages } = await meter.withCustomer('cus_coffee_bar', () =>
  agent.invoke({ messages: [{ role: 'user', content: 'How much green tea is there?' }] }),
)
console.log(messages.at(-1)?.text)

const embeddings = new OpenAIEmbeddings({ model: 'text-embedding-3-small', ...connection })
const vectors = await meter.withCustomer('cus_tea_shop', () =>
  embeddings.embedDocuments(['green tea', 'black tea']),
)
console.log(`${vectors.length} vectors`)

await meter.close()
for (const record of records) print(record)
await local?.close()

function print({ customer, endpoint, model, tokens, details }: UsageRecord): void {
  const counts = { ...tokens, ...details }
  const used = Object.entries(counts).filter(([, count]) => Number(count) > 0)
  const text = used.map(([name, count]) => `${name} ${String(count)}`).join(', ')
  console.log(`  ${customer}  ${endpoint}  ${model}: ${text}`)
}
