import { TokenMeterError } from '@token-meter/core'
import { APIError } from 'openai'
import { EnvironmentError } from './services.ts'

/** What went wrong, for the reader of a terminal. Never an API key. */
export function explainError(error: unknown): string {
  if (error instanceof EnvironmentError || error instanceof TokenMeterError) return error.message
  // Its message can quote a part of the key.
  if (error instanceof APIError) {
    const code = error.code ?? error.type ?? error.constructor.name
    return `The OpenAI call failed: ${[error.status, code].filter(Boolean).join(' ')}`
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
