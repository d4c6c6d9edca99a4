import type { UsageEvent } from './usage-event.ts'

const hourMs = 60 * 60_000
const backdatingMs = 34 * 24 * hourMs
const aheadMs = 24 * hourMs

/** RFC 3339 with a year of four digits. */
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i

const texts = ['transaction_id', 'customer_id', 'event_type', 'timestamp'] as const

/**
 * Why Metronome refuses a request with this body, or its events. One bad event is enough: nothing of
 * the request is taken then.
 * @see https://docs.metronome.com/guides/events/send-usage-events
 */
export function brokenRule(body: unknown, nowMs: number): string | undefined {
  if (!Array.isArray(body)) return 'body must be array'
  if (body.length < 1) return 'body must NOT have fewer than 1 items'
  if (body.length > 100) return 'body must NOT have more than 100 items'
  for (const [index, event] of (body as readonly unknown[]).entries()) {
    const broken = brokenEventRule(event, nowMs)
    if (broken !== undefined) return `body[${index}]${broken}`
  }
  return undefined
}

function brokenEventRule(event: unknown, nowMs: number): string | undefined {
  if (typeof event !== 'object' || event === null) return ' must be object'
  const fields = event as Readonly<Record<string, unknown>>
  for (const name of texts) {
    if (fields[name] === undefined) return ` must have required property '${name}'`
    if (typeof fields[name] !== 'string' || fields[name] === '') return `.${name} must be string`
  }
  const { timestamp, properties } = event as UsageEvent
  const at = rfc3339.test(timestamp) ? Date.parse(timestamp) : Number.NaN
  if (Number.isNaN(at)) return '.timestamp must match format "date-time"'
  if (at > nowMs + aheadMs) return '.timestamp must not be more than 24 hours in the future'
  if (at < nowMs - backdatingMs) return '.timestamp must not be more than 34 days in the past'
  const isMap = typeof properties === 'object' && properties !== null && !Array.isArray(properties)
  if (properties !== undefined && !isMap) return '.properties must be object'
  return undefined
}
