/** What a key may, as arguments of a command. */
import type { KeyChanges, KeyOptions } from '@token-meter/gateway'
import type { ArgsDef, ParsedArgs } from 'citty'
import { CommandError } from '../command/command-error.ts'

/** Which store the keys are in; of every command of keys. */
export const storeArguments = {
  outbox: {
    type: 'string',
    description:
      'The outbox beside which the keys are (default: that of the configuration, $TOKEN_METER_OUTBOX, else .token-meter/usage.db)',
    valueHint: 'path|postgres://',
  },
  config: {
    type: 'string',
    description:
      'The gateway’s configuration (default: token-meter.gateway.json, where there is one)',
    valueHint: 'file',
  },
  json: { type: 'boolean', description: 'One JSON document on stdout, also for errors' },
} as const satisfies ArgsDef

export const keyArgument = {
  key: {
    type: 'positional',
    description: 'The key, tm-<id>, its id or its alias',
    required: true,
  },
} as const satisfies ArgsDef

export const optionArguments = {
  alias: { type: 'string', description: 'A name for people, which no other key has' },
  customer: { type: 'string', description: 'Who is charged for all of its calls' },
  customers: {
    type: 'string',
    description: 'Whom its requests may name instead',
    valueHint: 'any|a,b',
  },
  user: { type: 'string', description: 'Who has it' },
  team: { type: 'string', description: 'The team that it is for' },
  models: {
    type: 'string',
    description: 'The models that it may ask (default: all)',
    valueHint: 'a,b',
  },
  expires: {
    type: 'string',
    description: 'When it ends: 30d, 12h, 2027-01-31 (default: never)',
    valueHint: 'time',
  },
  pools: {
    type: 'string',
    description: 'Pools of credits that its calls count against',
    valueHint: 'a,b',
  },
  rpm: { type: 'string', description: 'Requests a minute', valueHint: 'number' },
  tpm: { type: 'string', description: 'Tokens a minute', valueHint: 'number' },
  parallel: { type: 'string', description: 'Requests at a time', valueHint: 'number' },
  metadata: { type: 'string', description: 'Of the application', valueHint: 'a=1,b=2' },
  'allow-unknown': {
    type: 'boolean',
    description: 'Pass on paths that the gateway does not know, unmetered',
  },
  'stripe-headers': {
    type: 'boolean',
    description: 'Honour stripe-customer-id with stripe-restricted-access-key',
  },
} as const satisfies ArgsDef

export type OptionArguments = ParsedArgs<typeof optionArguments>

/** @throws CommandError for a value that is none. */
export function keyOptions(args: OptionArguments, now = Date.now()): KeyOptions {
  const { alias, customer, user, team, models, customers, expires, pools } = args
  const options = {
    alias,
    customer,
    userId: user,
    teamId: team,
    customers: customers === 'any' ? 'any' : listOf(customers),
    models: listOf(models),
    expiresAt: expires === undefined ? undefined : timeOf('--expires', expires, now),
    pools: listOf(pools),
    requestsPerMinute: countOf('--rpm', args.rpm),
    tokensPerMinute: countOf('--tpm', args.tpm),
    parallelRequests: countOf('--parallel', args.parallel),
    metadata: metadataOf(args.metadata),
    allowUnknown: args['allow-unknown'],
    stripeHeaders: args['stripe-headers'],
  } satisfies KeyOptions
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

/** What `--clear` calls them. */
const cleared: Readonly<Record<string, keyof KeyOptions>> = {
  alias: 'alias',
  customer: 'customer',
  customers: 'customers',
  user: 'userId',
  team: 'teamId',
  models: 'models',
  expires: 'expiresAt',
  pools: 'pools',
  rpm: 'requestsPerMinute',
  tpm: 'tokensPerMinute',
  parallel: 'parallelRequests',
  metadata: 'metadata',
}

/** @param clear names of what is taken away. */
export function keyChanges(args: OptionArguments, clear: string | undefined): KeyChanges {
  const taken = (listOf(clear) ?? []).map((name) => {
    const option = Object.hasOwn(cleared, name) ? cleared[name] : undefined
    if (option !== undefined) return [option, null] as const
    throw new CommandError('usage', `--clear does not know "${name}"`, {
      hint: `It takes ${Object.keys(cleared).join(', ')}`,
    })
  })
  return { ...keyOptions(args), ...Object.fromEntries(taken) }
}

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `90s`, `30d` in ms. */
export function durationOf(flag: string, text: string): number {
  const [, number = '', unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? []
  if (number !== '') return Number(number) * unitMs[unit]!
  throw new CommandError('usage', `${flag} takes a time such as 30d, 12h, 15m or 90s`)
}

/** From now, or at a date, in ms since the epoch. */
function timeOf(flag: string, text: string, now: number): number {
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : now + durationOf(flag, text)
  if (Number.isFinite(at)) return at
  throw new CommandError('usage', `${flag} takes a time such as 30d, or a date such as 2027-01-31`)
}

function countOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const count = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(count) && count > 0) return count
  throw new CommandError('usage', `${flag} takes a whole number from 1 up`)
}

function listOf(text: string | undefined): readonly string[] | undefined {
  return text
    ?.split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
}

function metadataOf(text: string | undefined): Record<string, string> | undefined {
  const pairs = listOf(text)?.map((pair) => {
    const at = pair.indexOf('=')
    if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)] as const
    throw new CommandError('usage', '--metadata takes pairs such as plan=pro,region=eu')
  })
  return pairs && Object.fromEntries(pairs)
}
