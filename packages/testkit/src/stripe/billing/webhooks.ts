import { createHmac, randomBytes } from 'node:crypto'
import type { FakeEndpoint } from '../fake-endpoint.ts'
import type { IdempotencyKeys } from '../idempotency-keys.ts'
import { found, type Params, refuse, route, text } from './routes.ts'

/** Something that happened, as endpoints are told of it. */
export interface StripeEvent {
  readonly id: string
  /** Without the `v1.` that thin events have before it. */
  readonly type: string
  readonly objectId: string
}

/** What an endpoint answered. */
export interface Delivered {
  readonly event: StripeEvent
  readonly url: string
  /** 0 where nothing came back. */
  readonly status: number
  readonly body: string
}

export interface DeliverOptions {
  /** In which order; each may be there several times. @default as they happened */
  readonly order?: (events: readonly StripeEvent[]) => readonly StripeEvent[]
  /** Which ones. @default those that no delivery was tried of, or whose last one failed */
  readonly events?: readonly StripeEvent[]
}

export interface Webhooks {
  readonly endpoints: readonly FakeEndpoint[]
  readonly events: readonly StripeEvent[]
  emit(type: string, object: { readonly id: string; readonly object: string }): void
  deliver(options?: DeliverOptions): Promise<readonly Delivered[]>
}

interface Endpoint {
  readonly id: string
  readonly url: string
  readonly secret: string
  readonly enabled: readonly string[]
  readonly isThin: boolean
}

/** Endpoints that are told of events, signed, as snapshots or thin. */
export function createWebhooks(keys: IdempotencyKeys, now: () => number): Webhooks {
  const endpoints: Endpoint[] = []
  const events: (StripeEvent & {
    readonly created: number
    readonly snapshot: object
    readonly kind: string
  })[] = []
  const pending = new Set<string>()

  function add(url: unknown, enabled: readonly string[], isThin: boolean): Endpoint {
    if (typeof url !== 'string') return refuse('Missing required param: url.')
    const id = `${isThin ? 'ed_test' : 'we'}_${randomBytes(8).toString('hex')}`
    const made = { id, url, secret: `whsec_${randomBytes(16).toString('hex')}`, enabled, isThin }
    endpoints.push(made)
    return made
  }

  function bodyOf(event: (typeof events)[number], { isThin }: Endpoint): string {
    const { id, type, objectId, created, snapshot, kind } = event
    if (!isThin) {
      return JSON.stringify({
        id,
        object: 'event',
        api_version: '2026-10-28.endive',
        created: Math.floor(created / 1000),
        data: { object: snapshot },
        livemode: true,
        pending_webhooks: 1,
        request: { id: null, idempotency_key: null },
        type,
      })
    }
    return JSON.stringify({
      id,
      object: 'v2.core.event',
      type: `v1.${type}`,
      livemode: true,
      created: new Date(created).toISOString(),
      related_object: { id: objectId, type: kind, url: `/v1/${kind}s/${objectId}` },
    })
  }

  async function post(event: (typeof events)[number], endpoint: Endpoint): Promise<Delivered> {
    const body = bodyOf(event, endpoint)
    const time = Math.floor(now() / 1000)
    const signature = createHmac('sha256', endpoint.secret).update(`${time}.${body}`).digest('hex')
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'stripe-signature': `t=${time},v1=${signature}`,
    }
    const of = { event, url: endpoint.url }
    try {
      const response = await fetch(endpoint.url, { method: 'POST', headers, body })
      return { ...of, status: response.status, body: await response.text() }
    } catch (error) {
      return { ...of, status: 0, body: String(error) }
    }
  }

  return {
    events,
    emit(type, object) {
      const id = `evt_${randomBytes(8).toString('hex')}`
      const snapshot = JSON.parse(JSON.stringify(object)) as object
      events.push({ id, type, objectId: object.id, created: now(), snapshot, kind: object.object })
      pending.add(id)
    },
    async deliver({
      order = (all: readonly StripeEvent[]) => all,
      events: wanted,
    }: DeliverOptions = {}) {
      const chosen = wanted ?? events.filter(({ id }) => pending.has(id))
      const answers: Delivered[] = []
      for (const { id } of order(chosen)) {
        const event = found(
          events.find((one) => one.id === id),
          'event',
          id,
        )
        pending.delete(id)
        for (const endpoint of endpoints) {
          const { enabled, isThin } = endpoint
          const type = isThin ? `v1.${event.type}` : event.type
          if (!enabled.includes('*') && !enabled.includes(type)) continue
          const answer = await post(event, endpoint)
          // It comes again, as Stripe's does for three days.
          if (answer.status < 200 || answer.status > 299) pending.add(id)
          answers.push(answer)
        }
      }
      return answers
    },
    endpoints: [
      route('webhook_endpoints', ['POST', '/v1/webhook_endpoints'], keys, (params) => {
        const { enabled_events: enabled } = params
        // A long list comes as an object.
        const types = Object.values((enabled ?? {}) as Readonly<Record<string, string>>)
        if (types.length === 0) refuse('Missing required param: enabled_events.')
        const { id, url, secret } = add(text(params['url']), types, false)
        const created = Math.floor(now() / 1000)
        const fixed = { api_version: null, application: null, description: null, livemode: true }
        const state = { metadata: {}, status: 'enabled' }
        return {
          id,
          object: 'webhook_endpoint',
          created,
          url,
          secret,
          enabled_events: types,
          ...fixed,
          ...state,
        }
      }),
      route('event_destinations', ['POST', '/v2/core/event_destinations'], keys, (params) => {
        const {
          webhook_endpoint: endpoint,
          enabled_events: enabled,
          include,
          event_payload: payload,
        } = params
        const types = (enabled ?? []) as unknown as readonly string[]
        const { id, url, secret } = add(
          (endpoint as Params | undefined)?.['url'],
          types,
          payload === 'thin',
        )
        const showsSecret = (include as unknown as readonly string[] | undefined)?.includes(
          'webhook_endpoint.signing_secret',
        )
        return {
          id,
          object: 'v2.core.event_destination',
          created: new Date(now()).toISOString(),
          updated: new Date(now()).toISOString(),
          name: params['name'] ?? '',
          description: '',
          type: 'webhook_endpoint',
          event_payload: payload,
          enabled_events: types,
          livemode: true,
          status: 'enabled',
          metadata: {},
          webhook_endpoint: { url, ...(showsSecret === true && { signing_secret: secret }) },
        }
      }),
    ],
  }
}
