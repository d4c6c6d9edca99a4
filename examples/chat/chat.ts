import type { Meter } from '@token-meter/core'
import type { OpenAIClient } from '@token-meter/openai'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { streamSSE } from 'hono/streaming'
import OpenAI from 'openai'
import { logFailure } from './log-failure.ts'
import { messagesFrom } from './messages.ts'
import type { RunningAnswers } from './running-answers.ts'
import type { ForTenant } from './session.ts'

export interface ChatOptions {
  readonly meter: Meter<OpenAIClient>
  readonly model: string
  readonly answers: RunningAnswers
}

const instructions = { role: 'system', content: 'Answer briefly, in plain text.' } as const

/** POST /chat: one answer, streamed to the browser and billed to the company that asked. */
export function chatRoute({ meter, model, answers }: ChatOptions): Hono<ForTenant> {
  return new Hono<ForTenant>().post('/', bodyLimit({ maxSize: 500_000 }), async (c) => {
    const messages = messagesFrom(await c.req.json().catch(() => undefined))
    if (messages === undefined) return c.json({ error: 'Send { messages }.' }, 400)

    const openai = meter(new OpenAI(), c.var.tenant.stripeCustomer, {
      attributes: { feature: 'chat' },
    })
    // Aborted when the browser is gone: the provider stops too, and the tokens so far are billed.
    const { signal } = c.req.raw
    const ended = answers.begin()
    try {
      const answer = await openai.chat.completions.create(
        { model, messages: [instructions, ...messages], stream: true },
        { signal },
      )
      return streamSSE(c, async (page) => {
        try {
          for await (const chunk of answer) {
            const text = chunk.choices[0]?.delta.content
            if (text) await page.writeSSE({ event: 'text', data: JSON.stringify(text) })
          }
          await page.writeSSE({ event: 'done', data: '' })
        } catch (error) {
          logFailure(error)
          await page.writeSSE({ event: 'failed', data: '' })
        } finally {
          ended()
        }
      })
    } catch (error) {
      ended()
      if (!signal.aborted) logFailure(error)
      return c.json({ error: 'The model did not answer.' }, 502)
    }
  })
}
