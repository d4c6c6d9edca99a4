import { parse } from 'qs'
import type { FakeAnswer, FakeRequest } from '../../http/fake-request.ts'
import { parseJson } from '../../http/parse-json.ts'
import type { FakeEndpoint } from '../fake-endpoint.ts'
import type { IdempotencyKeys } from '../idempotency-keys.ts'
import { invalid, refused } from '../stripe-answer.ts'

/** A request that cannot be done: answered as Stripe would. */
export class Refusal extends Error {
  readonly answer: FakeAnswer

  constructor(answer: FakeAnswer, message: string) {
    super(message)
    this.answer = answer
  }
}

/** @throws Refusal with status 400. */
export function refuse(message: string): never {
  throw new Refusal(invalid(message), message)
}

/** @throws Refusal with status 404 where there is none. */
export function found<One>(object: One | undefined, kind: string, id: unknown): One {
  if (object !== undefined) return object
  const message = `No such ${kind}: '${String(id)}'`
  const error = { type: 'invalid_request_error', code: 'resource_missing', message }
  throw new Refusal(refused(404, error), message)
}

/** Parameters of a form or a query: text, lists and objects of such. */
export interface Params {
  readonly [name: string]: string | Params | readonly Params[] | undefined
}

export type Handle = (params: Params, ...ids: string[]) => object

/** An endpoint of a path such as `/v1/invoices/:id/pay`, which answers what its handler returns. */
export function route(
  api: string,
  [method, path]: readonly [method: string, path: string],
  keys: IdempotencyKeys,
  handle: Handle,
): FakeEndpoint {
  const pattern = new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/:\w+/g, '([^/]+)')}$`)
  return {
    api,
    method,
    path: pattern,
    process(request) {
      const given = method === 'POST' ? keys.answer(request) : undefined
      if (given !== undefined) return given
      const [, ...ids] = pattern.exec(request.path) ?? []
      try {
        const body = handle(paramsOf(request), ...ids)
        // As it is now: the object may change before the answer is written.
        const answer = { status: 200, body: JSON.stringify(body) }
        if (method === 'POST') keys.keep(request, answer)
        return answer
      } catch (error) {
        if (error instanceof Refusal) return error.answer
        throw error
      }
    },
  }
}

function paramsOf({ method, path, query, rawBody }: FakeRequest): Params {
  if (method === 'POST' && path.startsWith('/v2/')) return (parseJson(rawBody) ?? {}) as Params
  return parse(method === 'POST' ? rawBody : query) as Params
}

export function text(value: Params[string]): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** A whole number. @throws Refusal for what is none. */
export function whole(value: Params[string], name: string): number | undefined {
  if (value === undefined || value === '') return undefined
  if (typeof value === 'string' && /^-?\d+$/.test(value)) return Number(value)
  return refuse(`Invalid integer: ${name}`)
}

export function metadataOf(params: Params): Record<string, string> {
  return { ...(params['metadata'] as Readonly<Record<string, string>> | undefined) }
}

/** `items[0][price]=...`: a list, however it was written. */
export function listParam(value: Params[string]): readonly Params[] {
  if (Array.isArray(value)) return value as readonly Params[]
  return value === undefined || typeof value === 'string' ? [] : (Object.values(value) as Params[])
}

/** A page of a list, as `limit` and `starting_after` say. */
export function page<Item extends { readonly id: string }>(
  items: Item[],
  params: Params,
  url: string,
) {
  const limit = whole(params['limit'], 'limit') ?? 10
  if (limit < 1 || limit > 100) refuse('limit must be from 1 to 100.')
  const start = items.findIndex(({ id }) => id === params['starting_after']) + 1
  const data = items.slice(start, start + limit)
  return { object: 'list', data, has_more: start + data.length < items.length, url }
}
