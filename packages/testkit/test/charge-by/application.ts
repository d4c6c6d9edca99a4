// application.ts
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { meter } from './meter.ts'

const openai = meter(new OpenAI(), ({ body }) => body.user)
const anthropic = meter(new Anthropic(), ({ body }) => body.metadata?.user_id)
const google = meter(new GoogleGenAI({}), () => undefined) // a request has no such field

/** @param user of the session, never of what the browser sent. */
export async function askOpenAI(user: string, question: string) {
  return await openai.chat.completions.create({
    model: 'gpt-5.4',
    messages: [{ role: 'user', content: question }],
    user,
  })
}

export async function askClaude(user: string, question: string) {
  return await anthropic.messages.create({
    model: 'claude-sonnet-4-6',
    max_tokens: 1024,
    messages: [{ role: 'user', content: question }],
    metadata: { user_id: user },
  })
}

export async function askGemini(user: string, question: string) {
  return await meter.withCustomer(user, () =>
    google.models.generateContent({ model: 'gemini-3-flash', contents: question }),
  )
}
