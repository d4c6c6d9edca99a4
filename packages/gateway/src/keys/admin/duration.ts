import { ConfigError } from '@token-meter/core/outbox'

const unitMs: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
}
const maxMs = 36_525 * 86_400_000

/**
 * A time such as `30d` in ms.
 * @param name of the field, for people.
 * @throws ConfigError for what is none, and for more than a hundred years.
 */
export function durationMs(name: string, value: unknown): number {
  const [, digits, unit = ''] =
    typeof value === 'string' ? (/^(\d{1,9})([smhdw])$/.exec(value) ?? []) : []
  const ms = Number(digits) * (unitMs[unit] ?? Number.NaN)
  if (ms >= 0 && ms <= maxMs) return ms
  throw new ConfigError(
    `key: ${name} must be a number of seconds, minutes, hours, days or weeks, such as "30s", "30m", "12h", "30d" or "4w"`,
  )
}
