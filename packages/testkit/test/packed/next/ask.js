import OpenAI from 'openai'

export const client = new OpenAI({
  apiKey: 'sk-next',
  baseURL: process.env.PROVIDER_URL ?? 'http://127.0.0.1:1/v1',
})

/** One metered call, and where usage stands after it. */
export async function ask(meter, customer, flush) {
  const messages = [{ role: 'user', content: 'hi' }]
  await meter(client, customer).chat.completions.create({ model: 'gpt-5.4-mini', messages })
  if (flush) await meter.flush()
  return Response.json(await meter.stats())
}
