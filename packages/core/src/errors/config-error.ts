import { TokenMeterError } from './token-meter-error.ts'

/** An option is wrong or something that the options need is missing. Thrown at construction. */
export class ConfigError extends TokenMeterError {
  override readonly name = 'ConfigError'
  readonly code = 'config'
}
