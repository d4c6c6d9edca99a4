import type { IngestedEvent } from './ingested-event.ts'

/** RFC 3339, with the four digits of a year. */
const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/
const texts = ['id', 'source', 'specversion', 'type', 'subject']

/**
 * What breaks OpenMeter's API description in the body of a request, in its words; `undefined` for a
 * good one. `events` is the body as a list.
 */
export function brokenRule(events: readonly unknown[]): string | undefined {
  for (const [index, event] of events.entries()) {
    const why = brokenRuleOf(event)
    if (why !== undefined) return `request body has an error: Error at "/${index}${why}`
  }
  return undefined
}

function brokenRuleOf(event: unknown): string | undefined {
  if (!isObject(event)) return '": value must be an object'
  for (const name of texts) {
    const value = event[name]
    if (value === undefined) return `/${name}": property "${name}" is missing`
    if (typeof value !== 'string') return `/${name}": value must be a string`
    if (value === '') return `/${name}": minimum string length is 1`
  }
  if (event['specversion'] !== '1.0') return '/specversion": unknown version'
  const { source, time = null, data = null, datacontenttype = null } = event
  if (!/^[!-~]+$/.test(String(source)) || !URL.canParse(String(source), 'http://base.invalid')) {
    return '/source": string doesn\'t match the format "uri-reference"'
  }
  if (time !== null && !isDateTime(time)) {
    return '/time": string doesn\'t match the format "date-time"'
  }
  if (data !== null && !isObject(data)) return '/data": value must be an object'
  if (datacontenttype !== null && datacontenttype !== 'application/json') {
    return '/datacontenttype": value is not one of the allowed values'
  }
  return undefined
}

/** An event that breaks no rule; one without a time has that of its arrival. */
export function toIngestedEvent(event: unknown, nowMs: number): IngestedEvent {
  const { time, data, ...rest } = event as IngestedEvent
  return { ...rest, time: time ?? new Date(nowMs).toISOString(), data: data ?? {} }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isDateTime(value: unknown): boolean {
  return typeof value === 'string' && dateTime.test(value) && !Number.isNaN(Date.parse(value))
}
