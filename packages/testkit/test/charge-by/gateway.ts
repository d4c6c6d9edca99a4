// gateway.ts
import { type Call, MissingCustomerError } from '@token-meter/core'
import OpenAI from 'openai'
import { type ApiKey, keyOf } from './keys.ts'
import { meter } from './meter.ts'

const openai = new OpenAI()

/** `POST /v1/chat/completions`, streamed or not. */
export async function chatCompletions(request: Request): Promise<Response> {
  const key = await keyOf(request)
  if (key === undefined) return refusal(401, 'Unknown API key.')
  const client = meter(openai, (call) => payerOf(key, call), {
    attributes: { team: key.team, user: key.user },
  })
  try {
    const answer = await client.chat.completions.create(await request.json()).asResponse()
    const type = answer.headers.get('content-type') ?? 'application/json'
    return new Response(answer.body, { headers: { 'content-type': type } })
  } catch (error) {
    if (error instanceof MissingCustomerError) {
      return refusal(403, 'This key cannot be charged for this request.')
    }
    if (error instanceof OpenAI.APIError && error.status !== undefined) {
      return Response.json({ error: error.error }, { status: error.status })
    }
    throw error
  }
}

/** Nobody: the request is refused before it is sent. */
function payerOf(key: ApiKey, { body }: Call): string | undefined {
  if (key.chargeBy === 'team') return key.team
  if (key.chargeBy === 'user') return key.user
  return key.endUsers?.includes(body.user) ? body.user : undefined
}

function refusal(status: number, message: string): Response {
  return Response.json({ error: { message, type: 'invalid_request_error' } }, { status })
}
