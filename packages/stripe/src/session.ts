import { type EventRetry, wrongSetupAfterMs } from '@token-meter/core/sink'
import { type StripeFailure, classifyError } from './classify-error.ts'
import { type RequestSettings, type SinkClient, requestOptions } from './stripe-client.ts'

/** A session of the stream, as Stripe answers it. */
export interface NewSession {
  readonly token: string
  /** In ms. */
  readonly lifetimeMs: number
}

/** The session that all requests of a sink share. */
export interface Session {
  /**
   * The token of a session that is good for a while, or why there is none. However many ask at a
   * time, one session is made.
   */
  token(): Promise<string | EventRetry>
  /** Stripe refuses the token: the next `token()` makes another session. */
  drop(token: string): void
}

interface CurrentSession {
  readonly token: string
  readonly refreshAt: number
  readonly endsAt: number
}

/**
 * The end is reckoned from Stripe's own times and a clock that never goes back, so that a wrong
 * clock of this machine neither keeps a session too long nor makes one for every request.
 * @param now that clock, in ms.
 */
export function createSession(
  make: () => Promise<NewSession | EventRetry>,
  now: () => number = () => performance.now(),
): Session {
  let current: CurrentSession | undefined
  let making: Promise<string | EventRetry> | undefined

  async function renew(): Promise<string | EventRetry> {
    const startedAt = now()
    const made = await make()
    if ('token' in made) {
      current = {
        token: made.token,
        refreshAt: startedAt + made.lifetimeMs - marginMs(made.lifetimeMs),
        endsAt: startedAt + made.lifetimeMs,
      }
      return made.token
    }
    // Renewed early, so what it was to replace may be good still.
    return current !== undefined && now() < current.endsAt ? current.token : made
  }

  return {
    token: async () => {
      if (current !== undefined && now() < current.refreshAt) return current.token
      making ??= renew().finally(() => {
        making = undefined
      })
      return making
    },
    drop: (token) => {
      if (current?.token === token) current = undefined
    },
  }
}

/** How long before its end a session is renewed: 1 to 2 minutes, not all processes at once. */
function marginMs(lifetimeMs: number): number {
  return Math.min(60_000 * (1 + Math.random()), lifetimeMs / 2)
}

/** What Stripe gives a session, in ms, should it not say. */
const usualLifetimeMs = 15 * 60_000

/** Asks Stripe for a session. Whatever goes wrong, no event was sent. Never throws. */
export async function makeSession(
  { stripe, during }: SinkClient,
  request: RequestSettings,
  signal: AbortSignal,
): Promise<NewSession | EventRetry> {
  const key = crypto.randomUUID()
  try {
    const session = await during(key, signal, () =>
      stripe.v2.billing.meterEventSession.create({}, requestOptions(request, key)),
    )
    const { authentication_token: token, created, expires_at: expiresAt } = session
    if (typeof token !== 'string' || token === '') {
      const reason = "the answer to a session was JSON, but not Stripe's"
      return { status: 'retry', scope: 'backend', reason }
    }
    const lifetimeMs = Date.parse(expiresAt) - Date.parse(created)
    return { token, lifetimeMs: lifetimeMs > 0 ? lifetimeMs : usualLifetimeMs }
  } catch (error) {
    const outcome = classifyError(error as StripeFailure, Date.now())
    if (outcome.status === 'retry') {
      const { uncertain: _, ...certain } = outcome
      return certain
    }
    const why = outcome.status === 'rejected' ? outcome.reason : 'it is a duplicate'
    const reason = `no session of the stream could be made: ${why}`
    return { status: 'retry', scope: 'account', reason, afterMs: wrongSetupAfterMs }
  }
}
