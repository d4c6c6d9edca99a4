/**
 * Keys over HTTP, by the names that LiteLLM has: `/key/generate`, `info`, `update`, `delete`, `list`,
 * `rotate`, `block`, `unblock`. What a key is shown once by is `generate` and `rotate`.
 */
import { ConfigError } from '@token-meter/core/outbox'
import { GatewayRefusal } from '../../refusal.ts'
import type { RawHeaders } from '../../payer/header-values.ts'
import type { GatewayKeys } from '../gateway-keys.ts'
import type { KeyInfo } from '../key.ts'
import {
  checkFields,
  type Fields,
  keyChanges,
  keyOptions,
  shownInfo,
  withoutNulls,
} from './admin-fields.ts'
import { isAdminRequest } from './admin-key.ts'
import { durationMs } from './duration.ts'

export interface AdminRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: RawHeaders
  /** The whole body; nothing, or no byte, for none. */
  readonly body?: Uint8Array | undefined
}

export interface AdminAnswer {
  readonly status: number
  /** To be written as JSON. */
  readonly body: Fields
}

export interface AdminApiOptions {
  /** ms since the epoch. @default Date.now */
  readonly now?: () => number
  /** Told of what was answered with 503. @default nobody */
  readonly onError?: (error: unknown) => void
}

type Verb = (request: Asked) => Promise<Fields>

interface Asked {
  readonly query: Fields
  readonly body: Fields
}

/**
 * Answers what is asked of keys; `undefined` for a path that is none of its.
 * @param adminKey which a request must have as Bearer.
 */
export function adminApi(
  keys: GatewayKeys,
  adminKey: string,
  { now = Date.now, onError = () => undefined }: AdminApiOptions = {},
): (request: AdminRequest) => Promise<AdminAnswer> | undefined {
  const verbs = verbsOf(keys, now)
  return (request) => {
    const name = /^\/key(?:\/(.*))?$/.exec(request.path)?.[1] ?? undefined
    if (name === undefined && request.path !== '/key') return undefined
    return answer(async () => {
      if (!isAdminRequest(request.headers, adminKey)) {
        throw new GatewayRefusal(
          401,
          'unauthorized',
          'This takes the admin key of the gateway: "Authorization: Bearer <admin key>"',
        )
      }
      const found = verbs.get(name ?? '')
      if (found === undefined) {
        const names = [...verbs.keys()].map((each) => `/key/${each}`).join(', ')
        throw new GatewayRefusal(404, 'not_found', `There is no such path. There are ${names}`)
      }
      const { method, verb } = found
      if (request.method !== method) {
        throw new GatewayRefusal(405, 'invalid_request', `/key/${name} is asked by ${method}`)
      }
      return await verb({ query: queryFields(request.query), body: bodyFields(request.body) })
    }, onError)
  }
}

interface KnownVerb {
  readonly method: 'GET' | 'POST'
  readonly verb: Verb
}

function verbsOf(keys: GatewayKeys, now: () => number): ReadonlyMap<string, KnownVerb> {
  const get = (verb: Verb): KnownVerb => ({ method: 'GET', verb })
  const post = (verb: Verb): KnownVerb => ({ method: 'POST', verb })
  const setBlocked = (change: 'block' | 'unblock') =>
    post(async ({ body }) => {
      checkFields(body, ['key'])
      return shownInfo(there(await keys[change](named(body))))
    })
  return new Map([
    [
      'generate',
      post(async ({ body }) => {
        const { key, info } = await keys.generate(keyOptions(body, now()))
        return { key, ...shownInfo(info) }
      }),
    ],
    [
      'info',
      get(async ({ query }) => {
        checkFields(query, ['key'])
        const shown = shownInfo(there(await keys.info(named(query))))
        return { key: shown['key_name'], info: shown }
      }),
    ],
    [
      'update',
      post(async ({ body }) => {
        const { key: _, ...fields } = body
        const changes = keyChanges(fields, now())
        return shownInfo(there(await keys.update(named(body), changes)))
      }),
    ],
    [
      'delete',
      post(async ({ body }) => {
        const given = withoutNulls(body)
        checkFields(given, ['keys', 'key_aliases'])
        const ids = [...names(given, 'keys')]
        for (const alias of names(given, 'key_aliases')) {
          ids.push(...(await keys.list({ alias })).keys.map(({ id }) => id))
        }
        if (!('keys' in given) && !('key_aliases' in given)) {
          throw new ConfigError('key: keys must be a list of keys, or key_aliases one of aliases')
        }
        const deleted = await keys.delete(ids)
        if (deleted.length === 0) throw notThere()
        return { deleted_keys: deleted }
      }),
    ],
    ['list', get(({ query }) => list(keys, query))],
    [
      'rotate',
      post(async ({ body }) => {
        const given = withoutNulls(body)
        checkFields(given, ['key', 'grace_period'])
        const { grace_period: grace } = given
        const graceMs = grace === undefined ? 0 : durationMs('grace_period', grace)
        const { key, info } = there(await keys.rotate(named(given), { graceMs }))
        return { key, ...shownInfo(info) }
      }),
    ],
    ['block', setBlocked('block')],
    ['unblock', setBlocked('unblock')],
  ])
}

async function list(keys: GatewayKeys, query: Fields): Promise<Fields> {
  checkFields(query, [
    'page',
    'size',
    'user_id',
    'team_id',
    'customer',
    'key_alias',
    'return_full_object',
  ])
  const text = (name: string) => query[name] as string | undefined
  const size = number(query, 'size', 100)
  const page = number(query, 'page', 1)
  const isFull = text('return_full_object') ?? 'true'
  if (isFull !== 'true' && isFull !== 'false') {
    throw new ConfigError('key: return_full_object must be true or false')
  }
  const found = await keys.list({
    userId: text('user_id'),
    teamId: text('team_id'),
    customer: text('customer'),
    alias: text('key_alias'),
    page,
    size,
  })
  return {
    keys: found.keys.map((info) => (isFull === 'true' ? shownInfo(info) : info.id)),
    total_count: found.count,
    current_page: page,
    total_pages: Math.ceil(found.count / size),
  }
}

async function answer(
  work: () => Promise<Fields>,
  onError: (error: unknown) => void,
): Promise<AdminAnswer> {
  try {
    return { status: 200, body: await work() }
  } catch (error) {
    if (error instanceof GatewayRefusal) return failed(error.status, error.code, error.message)
    if (error instanceof ConfigError) return failed(400, 'invalid_request', error.message)
    onError(error)
    return failed(503, 'unavailable', 'The keys of this gateway cannot be reached at the moment')
  }
}

function failed(status: number, code: string, message: string): AdminAnswer {
  const type =
    status === 401
      ? 'authentication_error'
      : status < 500
        ? 'invalid_request_error'
        : 'server_error'
  return { status, body: { error: { message, type, param: null, code } } }
}

function queryFields(query: URLSearchParams): Fields {
  const fields: Record<string, string> = {}
  for (const [name, value] of query) {
    if (Object.hasOwn(fields, name)) throw new ConfigError(`key: ${safe(name)} came more than once`)
    fields[name] = value
  }
  return fields
}

function bodyFields(body: Uint8Array | undefined): Fields {
  if (body === undefined || body.length === 0) return {}
  let fields: unknown
  try {
    fields = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    // Where and why it is none would show a piece of it, which may be a key.
    throw new ConfigError('key: the body is no JSON')
  }
  if (typeof fields === 'object' && fields !== null && !Array.isArray(fields)) {
    return fields as Fields
  }
  throw new ConfigError('key: the body must be a JSON object of fields')
}

/** A name that may be shown: somebody may have put a key where it stands. */
function safe(name: string): string {
  return /^[a-z_]{1,40}$/.test(name) ? name : 'a field'
}

function named({ key }: Fields): string {
  if (typeof key === 'string' && key !== '') return key
  throw new ConfigError('key: key must be a key, or its key_id')
}

function names(fields: Fields, field: string): readonly string[] {
  const { [field]: value = [] } = fields
  if (
    Array.isArray(value) &&
    value.length <= 1000 &&
    value.every((each) => typeof each === 'string')
  ) {
    return value as readonly string[]
  }
  throw new ConfigError(`key: ${field} must be a list of at most 1000 texts`)
}

function number(fields: Fields, field: string, otherwise: number): number {
  const { [field]: value = String(otherwise) } = fields
  if (typeof value === 'string' && /^\d{1,9}$/.test(value)) return Number(value)
  throw new ConfigError(`key: ${field} must be a whole number`)
}

function there<Found extends KeyInfo | { readonly info: KeyInfo }>(
  found: Found | undefined,
): Found {
  if (found === undefined) throw notThere()
  return found
}

function notThere(): GatewayRefusal {
  return new GatewayRefusal(404, 'not_found', 'There is no such key')
}
