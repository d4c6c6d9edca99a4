import { TokenMeterError } from './token-meter-error.ts'

/**
 * Usage is held back from a sink until somebody says what is to become of it: test usage from a live
 * sink, or what came before a sink that may be another one under a new name. Reported once, never
 * thrown: the records are safe in the outbox, and counted in `stats()` as `held`.
 */
export class HeldUsageError extends TokenMeterError {
  override readonly name = 'HeldUsageError'
  readonly code = 'held'
  readonly sink: string
  /** Records held when it was told. */
  readonly held: number
  /** Why. */
  readonly reason: 'test-usage' | 'new-sink-name' | 'renamed'

  constructor(
    message: string,
    options: {
      readonly sink: string
      readonly held: number
      readonly reason: HeldUsageError['reason']
    },
  ) {
    super(message)
    this.sink = options.sink
    this.held = options.held
    this.reason = options.reason
  }
}
