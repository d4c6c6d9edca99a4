import type { UsageDetails } from '../usage/usage-details.ts'
import type { UsageRecord } from '../usage/usage-record.ts'

/** The longest text that is kept of what a provider says: codes are short, and other text is no usage. */
const mostText = 64
/** The longest name of a model: resource names of clouds are long. */
const mostModel = 256
/** The longest id of a response or a request: gateways pack others' ids into theirs. */
const mostId = 256
/** A usage object has some dozens of fields; one of many hops or models has a few hundred. */
const mostFields = 2000
const deepest = 8

/** The name of a model, cut where it is too long to be one. */
export function boundedModel(model: string): string {
  return cut(model, mostModel)
}

/** A tier, a speed or another code, cut where it is too long to be one. */
export function boundedCode(code: string): string {
  return cut(code, mostText)
}

/** An id of the provider's own; `undefined` for what is none, or has no use because it would be cut. */
export function boundedId(id: unknown): string | undefined {
  return isProviderId(id) ? id : undefined
}

export function isProviderId(id: unknown): id is string {
  return typeof id === 'string' && id !== '' && id.length <= mostId
}

/** The ids of a record, those that are known. */
export function providerIds(
  response: unknown,
  request: unknown,
): Pick<UsageRecord, 'responseId' | 'requestId'> {
  const responseId = boundedId(response)
  const requestId = boundedId(request)
  return {
    ...(responseId !== undefined && { responseId }),
    ...(requestId !== undefined && { requestId }),
  }
}

/** Details whose texts, such as a speed or a gateway's id of the call, are bounded. */
export function boundedDetails(details: UsageDetails): UsageDetails {
  let bounded: Record<string, unknown> | undefined
  for (const name in details) {
    const value: unknown = details[name as keyof UsageDetails]
    if (typeof value !== 'string' || value.length <= mostText) continue
    bounded ??= { ...details }
    bounded[name] = cut(value, name === 'gatewayCallId' ? mostId : mostText)
  }
  return bounded ?? details
}

/**
 * A provider's usage object as it is kept: its numbers, and texts that are short enough for codes.
 * What stands in place of a longer text says how long it was. So no text of the conversation is
 * kept, whatever a server puts there, and nothing of any size. Never throws.
 */
export function boundedUsage(raw: unknown): unknown {
  const room = { fields: mostFields }
  try {
    return bounded(raw, room, 0) ?? null
  } catch {
    // It cannot be read, and so it can be no JSON.
    return null
  }
}

function bounded(value: unknown, room: { fields: number }, depth: number): unknown {
  switch (typeof value) {
    case 'number':
    case 'boolean':
      return value
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : cut(String(value), mostText)
    case 'string':
      return value.length <= mostText ? value.toWellFormed() : `(${value.length} characters)`
    case 'object':
      break
    default:
      return undefined
  }
  if (value === null) return null
  if (depth >= deepest) return '(too deep)'
  if (Array.isArray(value)) {
    const items: unknown[] = []
    for (const item of value as unknown[]) {
      if (--room.fields < 0) break
      items.push(bounded(item, room, depth + 1) ?? null)
    }
    return items
  }
  const fields: Record<string, unknown> = {}
  for (const name in value) {
    if (--room.fields < 0) break
    if (name.length > mostText || name === '__proto__') continue
    const field = bounded((value as Record<string, unknown>)[name], room, depth + 1)
    if (field !== undefined) fields[name] = field
  }
  return fields
}

function cut(text: string, most: number): string {
  return (text.length > most ? text.slice(0, most) : text).toWellFormed()
}
