import type { Meter } from '@token-meter/core'
import { InsufficientCreditsError } from '@token-meter/credits'
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

/** Caps what an answer can cost, and so what is held for it: see `server.ts`. */
export const mostOutput = 800

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
        {
          model,
          messages: [instructions, ...messages],
          max_completion_tokens: mostOutput,
          stream: true,
        },
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
      // Nothing was sent. The page has the question still, and asks again once there is credit.
      if (error instanceof InsufficientCreditsError) return c.json(error, 402)
      if (!signal.aborted) logFailure(error)
      return c.json({ error: 'The model did not answer.' }, 502)
    }
  })
}
