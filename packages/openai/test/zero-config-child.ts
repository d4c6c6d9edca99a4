// Run by zero-config.test.ts in a folder of its own: an application with no configuration in code.
import OpenAI from 'openai'
import { meter } from '../src/index.ts'
import { chatRequest } from './scripts.ts'

const [, , providerUrl = '', task] = process.argv
const client = new OpenAI({ apiKey: 'sk-x', baseURL: `${providerUrl}/v1`, maxRetries: 0 })
try {
  if (task === 'call') {
    await meter(client, 'cus_1').chat.completions.create(chatRequest)
    await meter(client, 'cus_2').chat.completions.create(chatRequest)
  } else {
    meter(client, 'cus_1')
  }
  console.log(JSON.stringify({ stats: await meter.stats(), outbox: meter.outbox.description }))
  if (task === 'close') {
    await meter.close()
    // A closed one does not stop the next.
    meter(client, 'cus_1')
    console.log(JSON.stringify({ again: (await meter.stats()).recorded }))
    await meter.close()
  }
} catch (error) {
  console.log(JSON.stringify({ error: String(error), code: (error as { code?: string }).code }))
}
