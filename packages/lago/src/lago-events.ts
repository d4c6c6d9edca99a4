import {
  type ModelSlug,
  type TokenType,
  type UsageRecord,
  attributeTexts,
  tokenTypes,
  unusedEventId,
  withCacheInInput,
} from '@token-meter/core/sink'

/** An event as Lago takes it. `transaction_id` and `timestamp` together tell a duplicate. */
export interface LagoEvent {
  readonly transaction_id: string
  readonly external_subscription_id: string
  readonly code: string
  /** Seconds since the epoch, with three decimals: the same text on every attempt. */
  readonly timestamp: string
  /** Text, as numbers of JSON lose digits on Lago's side. */
  readonly precise_total_amount_cents?: string
  readonly properties: Readonly<Record<string, string | number>>
}

/**
 * What an event is. `per-record`: the usage of one response, with all its counts and its cost as
 * properties. `per-token-type`: one number, the tokens of one type.
 */
export type LagoEvents = 'per-record' | 'per-token-type'

/**
 * `all`: cached reads and writes are counted apart. `input-output`: they are added to the input,
 * for prices that know two kinds of tokens.
 */
export type TokenTypesOption = 'all' | 'input-output'

/** Which amount of a record's cost is sent: what the customer is billed, or what the provider charges. */
export type LagoCost = 'billed' | 'provider'

/**
 * The code of the billable metric that counts an event: one for all; one by token type, where each
 * type is an event; or a function, which gets the token type only then.
 */
export type LagoCode =
  | string
  | Readonly<Partial<Record<TokenType, string>>>
  | ((record: UsageRecord, tokenType: TokenType | undefined) => string)

/** The options of the sink that shape events. */
export interface LagoEventOptions {
  readonly events: LagoEvents
  readonly code: LagoCode
  readonly tokenTypes: TokenTypesOption
  readonly modelSlug: ModelSlug
  readonly cost: LagoCost | false
  readonly dynamicCharge: boolean
}

/** The count's property in an event per record. None of them is inside another. */
function countName(type: TokenType): string {
  return `${type}_tokens`
}

function ofRecord(): ReadonlySet<string> {
  return new Set([...tokenTypes.map(({ type }) => countName(type)), 'model', 'response_cost'])
}
const ofTokenType = new Set(['model', 'token_type', 'value'])

/** A record that cannot be sent as it is; the message is what there is to say of it. */
export class UnsendableError extends Error {
  override readonly name = 'UnsendableError'
}

/**
 * The events of a record; none for one that used nothing and costs nothing.
 * @param subscription the external id of the subscription that pays.
 * @param refused ids that Lago turned out not to bill: their events have others.
 * @throws UnsendableError for a record that Lago cannot store or could not bill, and what a
 * function of the application throws.
 */
export function toLagoEvents(
  record: UsageRecord,
  subscription: string,
  options: LagoEventOptions,
  refused: readonly string[] = [],
): LagoEvent[] {
  const counted = options.tokenTypes === 'all' ? record : withCacheInInput(record)
  const event = (id: string, type: TokenType | undefined) => ({
    transaction_id: checked('id', unusedEventId(id, refused)),
    external_subscription_id: checked('subscription', subscription),
    code: checked('code', eventCode(options.code, record, type)),
    timestamp: seconds(record.at),
  })
  const model = storable(options.modelSlug(record.provider, record.model))
  if (options.events === 'per-token-type') {
    return usedTypes(counted).map(({ type, value }) => ({
      ...event(`${record.id}:${type}`, type),
      properties: { model, token_type: type, value, ...attributesBeside(ofTokenType, record) },
    }))
  }
  const amount = options.cost === false ? undefined : amountOf(record, options.cost)
  if (usedTypes(counted).length === 0 && (amount === undefined || /^[0.]+$/.test(amount))) return []
  if (options.dynamicCharge && amount === undefined) throw new UnsendableError(withoutCost)
  return [
    {
      ...event(record.id, undefined),
      ...(options.dynamicCharge &&
        amount !== undefined && { precise_total_amount_cents: inCents(amount) }),
      properties: {
        input_tokens: counted.tokens.input,
        output_tokens: counted.tokens.output,
        model,
        ...(amount !== undefined && { response_cost: amount }),
        ...cachedCounts(counted),
        ...attributesBeside(ofRecord(), record),
      },
    },
  ]
}

const withoutCost =
  'it has no cost, and a dynamic charge would bill it at 0: add the price of its model to cost({ prices }), then requeue'

function usedTypes({ tokens }: UsageRecord): { type: TokenType; value: number }[] {
  return tokenTypes
    .map(({ type, count }) => ({ type, value: tokens[count] }))
    .filter(({ value }) => value > 0)
}

function cachedCounts(record: UsageRecord): Record<string, number> {
  const cached = usedTypes(record).filter(({ type }) => type !== 'input' && type !== 'output')
  return Object.fromEntries(cached.map(({ type, value }) => [countName(type), value]))
}

function amountOf({ cost }: UsageRecord, which: 'billed' | 'provider'): string | undefined {
  if (cost === undefined) return undefined
  const amount: unknown = cost[which]
  if (isDecimal(amount)) return amount
  throw new UnsendableError(`its cost.${which} is no decimal text such as '0.0012345'`)
}

/** An attribute can stand in for no property that is billed, not even for one that is left out. */
function attributesBeside(
  reserved: ReadonlySet<string>,
  { attributes }: UsageRecord,
): Record<string, string> {
  const free = attributeTexts(attributes, reserved)
  return Object.fromEntries(free.map(([name, value]) => [storable(name), storable(value)]))
}

function seconds(at: number): string {
  if (Number.isFinite(at) && Math.abs(at) <= 8.64e15) return (at / 1000).toFixed(3)
  throw new UnsendableError(`its time is no date: ${String(at)}`)
}

function checked(name: string, text: string): string {
  if (isStorable(text)) return text
  throw new UnsendableError(`its ${name} has characters that Lago cannot store`)
}

/** The codes that Lago's own documentation has for LLM tokens. */
export const codeByTokenType: Readonly<Record<TokenType, string>> = {
  input: 'llm_input_tokens',
  output: 'llm_output_tokens',
  cached_input: 'llm_cached_input_tokens',
  cached_write: 'llm_cache_creation_tokens',
} satisfies Record<TokenType, string>

/** The code of events per record: that of `LAGO_API_EVENT_CODE`, which LiteLLM reads too. */
export function defaultCode(): string {
  const named = globalThis.process?.env?.['LAGO_API_EVENT_CODE']?.trim()
  return named === undefined || named === '' ? 'llm_usage' : named
}

/**
 * The code of one event.
 * @throws Error when a function of the application throws, or answers no text.
 */
export function eventCode(
  code: LagoCode,
  record: UsageRecord,
  tokenType: TokenType | undefined,
): string {
  if (typeof code === 'string') return code
  if (typeof code === 'object') {
    return tokenType === undefined ? '' : (code[tokenType] ?? codeByTokenType[tokenType])
  }
  const named: unknown = code(record, tokenType)
  if (typeof named === 'string' && named !== '') return named
  throw new Error('code must answer a string that is not empty')
}

/** True for a number in digits, 0 or more: what Lago sums up. It ignores one with an exponent. */
export function isDecimal(text: unknown): text is string {
  return typeof text === 'string' && /^\d{1,24}(?:\.\d+)?$/.test(text)
}

/** An amount in its hundredths, exactly: `'0.0012345'` is `'0.12345'`. */
export function inCents(decimal: string): string {
  const [units = '0', fraction = ''] = decimal.split('.')
  const digits = fraction.padEnd(2, '0')
  const whole = `${units}${digits.slice(0, 2)}`.replace(/^0+(?=\d)/, '')
  const rest = digits.slice(2).replace(/0+$/, '')
  return rest === '' ? whole : `${whole}.${rest}`
}

/**
 * Text without what Lago's database cannot hold: it answers 500 to a whole batch that has a NUL or
 * half of a surrogate pair in it.
 */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '')
}

export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}
