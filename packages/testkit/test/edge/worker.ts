import { aggregated, createMeter, memoryOutbox } from '@token-meter/core'
import { openaiProvider } from '@token-meter/openai'
import { stripeSink } from '@token-meter/stripe'
import OpenAI from 'openai'

interface Env {
  readonly PROVIDER_URL: string
  readonly STRIPE_URL: string
  readonly STRIPE_KEY: string
}

interface Context {
  waitUntil(promise: Promise<unknown>): void
}

// Outside of the handler, so that what one request could not deliver is left for the next.
const outbox = memoryOutbox()

/** The Worker of docs/serverless.md, with paths to ask for what is to be tested. */
export default {
  async fetch(request: Request, env: Env, ctx: Context): Promise<Response> {
    const { pathname } = new URL(request.url)
    const sink = stripeSink({ apiKey: env.STRIPE_KEY, baseUrl: env.STRIPE_URL })
    const meter = createMeter({
      providers: [openaiProvider],
      outbox,
      sinks: [pathname === '/aggregated' ? aggregated(sink, { windowMs: 3_600_000 }) : sink],
      ...(pathname !== '/unwaited' && { waitUntil: (promise) => ctx.waitUntil(promise) }),
    })
    const client = new OpenAI({ apiKey: 'none', baseURL: env.PROVIDER_URL, maxRetries: 0 })
    const openai = meter(client, 'cus_edge')
    const question = {
      model: 'gpt-5.4-mini',
      messages: [{ role: 'user' as const, content: 'Is tea hot?' }],
    }

    if (pathname === '/stats') return Response.json(await meter.stats())
    if (pathname === '/context') {
      const nobodys = meter(client, () => undefined)
      await meter.withCustomer('cus_context', async () => {
        await Promise.resolve()
        return nobodys.chat.completions.create(question)
      })
      return new Response('done')
    }
    if (pathname === '/stream') {
      const stream = await openai.chat.completions.create({ ...question, stream: true })
      return new Response(stream.toReadableStream())
    }
    if (pathname === '/fetch') {
      const body = JSON.stringify({ ...question, stream: true })
      const headers = { 'content-type': 'application/json' }
      const metered = meter.fetch('cus_edge')
      return metered(`${env.PROVIDER_URL}/chat/completions`, { method: 'POST', body, headers })
    }
    const completion = await openai.chat.completions.create(question)
    return Response.json(completion)
  },
}
