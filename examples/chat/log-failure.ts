import { APIError } from 'openai'

/** Logs that the provider failed. Its messages can quote the conversation, so only their kind. */
export function logFailure(error: unknown): void {
  const kind = error instanceof Error ? error.constructor.name : 'unknown error'
  const details = error instanceof APIError ? [error.status, error.code, error.requestID] : []
  console.error(`[chat] no answer: ${[kind, ...details].filter(Boolean).join(' ')}`)
}
