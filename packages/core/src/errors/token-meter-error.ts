const marker = Symbol.for('token-meter.error')

/**
 * The base of every error this project throws or reports. `code` says which; the message says what
 * happened, to what, and what to do next. No message holds a key or any text of a conversation.
 */
export abstract class TokenMeterError extends Error {
  /** Stable, for programs: `config`, `outbox`, `usage`, `delivery`, `flush`, ... */
  abstract readonly code: string

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    Object.defineProperty(this, marker, { value: true })
  }

  /** Like `instanceof`, and also true for errors of another copy of this package. */
  static isInstance(value: unknown): value is TokenMeterError {
    return typeof value === 'object' && value !== null && marker in value
  }
}
