// Run by robustness.test.ts: leaves a stream, and has nothing else to do.
import { GoogleGenAI } from '@google/genai'
import { startReplayServer } from '@token-meter/testkit'
import { createMeter, googleProvider, memoryOutbox } from '../src/index.ts'
import { contentScript, request } from './scripts.ts'

const server = await startReplayServer()
server.serve(contentScript, { gapMs: 20 })
const meter = createMeter({ providers: [googleProvider], outbox: memoryOutbox() })
meter.on('usage', ({ outcome }) => {
  console.log(`recorded ${outcome}`)
  void server.close()
})
const client = new GoogleGenAI({ apiKey: 'key', httpOptions: { baseUrl: server.url } })
const google = meter(client, 'cus_1')
for await (const _ of await google.models.generateContentStream(request)) break
console.log('after break')
