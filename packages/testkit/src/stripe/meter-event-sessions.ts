import { randomUUID } from 'node:crypto'
import type { FakeEndpoint } from './fake-endpoint.ts'
import type { FakeAnswer, FakeRequest } from '../http/fake-request.ts'
import { refused } from './stripe-answer.ts'

/** The sessions of the stream: made with the key, and good for a quarter of an hour. */
export interface MeterEventSessions {
  /** `POST /v2/billing/meter_event_session`. */
  readonly endpoint: FakeEndpoint
  /** Refuses a request that has no session, or whose session is over. */
  access(request: FakeRequest): FakeAnswer | undefined
  /** Ends all sessions at once. */
  end(): void
}

export interface MeterEventSessionOptions {
  readonly lifetimeMs: number
  /** What is known of it is not one thing: Stripe's own libraries test both. */
  readonly expiredStatus: 400 | 401
}

export function createMeterEventSessions(options: MeterEventSessionOptions): MeterEventSessions {
  const { lifetimeMs, expiredStatus } = options
  const endsAt = new Map<string, number>()

  function process({ at, headers }: FakeRequest): FakeAnswer {
    const id = randomUUID()
    const token = `mes_token_${id}`
    endsAt.set(token, at + lifetimeMs)
    const body = {
      id: `mes_${id}`,
      object: 'v2.billing.meter_event_session',
      authentication_token: token,
      created: new Date(at).toISOString(),
      expires_at: new Date(at + lifetimeMs).toISOString(),
      livemode: String(headers.authorization).includes('_live_'),
    }
    return { status: 200, body }
  }

  return {
    endpoint: {
      api: 'session',
      method: 'POST',
      path: /^\/v2\/billing\/meter_event_session$/,
      process,
    },
    access: ({ at, headers }) => {
      const end = endsAt.get(String(headers.authorization).replace(/^Bearer /, ''))
      if (end === undefined) {
        return refused(401, { type: 'invalid_request_error', message: 'Invalid token provided.' })
      }
      return at < end ? undefined : refused(expiredStatus, expired)
    },
    end: () => {
      for (const token of endsAt.keys()) endsAt.set(token, 0)
    },
  }
}

const expired = {
  type: 'temporary_session_expired',
  code: 'billing_meter_event_session_expired',
  message: 'The temporary session token has expired.',
}
