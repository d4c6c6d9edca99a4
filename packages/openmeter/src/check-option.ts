import { ConfigError } from '@token-meter/core/adapter'

/** @throws ConfigError naming the option, what it got and what it takes. */
export function checkOption(
  name: string,
  value: unknown,
  wanted: string,
  isRight: (value: unknown) => boolean,
): void {
  if (isRight(value)) return
  const got = typeof value === 'number' ? `${value}` : `a value of type ${typeof value}`
  throw new ConfigError(`openMeterSink: ${name} must be ${wanted}, got ${got}`)
}

export function isText(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== ''
}

/** Visible ASCII, which a URI reference and a key have only. */
export function isVisible(value: unknown): boolean {
  return typeof value === 'string' && /^[!-~]+$/.test(value)
}

export function isOneOf(...values: readonly unknown[]): (value: unknown) => boolean {
  return (value) => values.includes(value)
}
