/**
 * One customer of yours uses Gemini: an answer, a stream that is left half way, a chat, and a tool
 * that the SDK calls by itself. Every request becomes a usage record.
 *
 *     node examples/google/google.ts                       # a stand-in for Gemini on this machine
 *     GEMINI_API_KEY=... node examples/google/google.ts    # the real one
 */
import { createMeter, googleProvider, memoryOutbox } from '@token-meter/google'
import { type CallableTool, GoogleGenAI, Type } from '@google/genai'
import { startLocalGemini } from './local-gemini.ts'
import { printRecord } from './print-record.ts'

const key = process.env['GEMINI_API_KEY']
await using local = key === undefined ? await startLocalGemini() : undefined
const model = 'gemini-2.5-flash'

await using meter = createMeter({ providers: [googleProvider], outbox: memoryOutbox() })
meter.on('usage', printRecord)

const client = new GoogleGenAI({
  apiKey: key ?? 'local',
  ...(local !== undefined && { httpOptions: { baseUrl: local.url } }),
})
const google = meter(client, 'cus_ada', { attributes: { feature: 'assistant' } })

console.log('An answer')
await google.models.generateContent({ model, contents: 'Why is the sky blue? One sentence.' })

console.log(
  'A stream that is left: Gemini bills all of it, so the rest is read on in the background',
)
const stream = await google.models.generateContentStream({ model, contents: 'Count to thirty.' })
for await (const _ of stream) break
await meter.flush()

console.log('A chat')
const chat = google.chats.create({ model })
await chat.sendMessage({ message: 'My name is Ada.' })
await chat.sendMessage({ message: 'What is my name?' })

console.log('A tool, which the SDK calls by itself: two requests, two records')
const weather: CallableTool = {
  tool: async () => ({
    functionDeclarations: [
      {
        name: 'weather',
        description: 'The weather in a city',
        parameters: { type: Type.OBJECT, properties: { city: { type: Type.STRING } } },
      },
    ],
  }),
  callTool: async () => [{ functionResponse: { name: 'weather', response: { sky: 'clear' } } }],
}
await google.models.generateContent({
  model,
  contents: 'What is the weather in Paris? Use the tool.',
  config: { tools: [weather] },
})
