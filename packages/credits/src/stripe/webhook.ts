import type Stripe from 'stripe'
import { isBusy } from '../busy.ts'
import { applyEvent, BusyObject } from './apply-event.ts'
import { receive } from './signed-event.ts'
import { checkedWebhook, type CreditsWebhookOptions } from './webhook-options.ts'

/**
 * Makes a webhook, `Request` in and `Response` out, by which what is paid at Stripe becomes credit:
 * `app.post('/stripe/credits', (c) => handle(c.req.raw))`. It takes snapshots and thin events.
 *
 * - A price with the metadata `token_meter_usd` sells so many dollars of credit, times the quantity,
 *   whatever was paid for it in whatever currency. One payment is one grant, whichever and however many
 *   events tell of it. An invoice of nothing grants nothing.
 * - A refund, a dispute and a credit note take back their share of the payment, of what is unspent
 *   first; a dispute that is won, and a refund that fails, give it back.
 * - A price with the metadata `token_meter_plan` is one of `createCredits({ plans })`.
 * - A payment that fails blocks the account after `graceDays`, until it is paid or the invoice is void.
 *
 * It answers 200 once it is written, and for events of other types; 400 for what Stripe did not sign;
 * 503 where Stripe or the store cannot be reached, and 500 where what an event is about cannot be
 * read, so that Stripe sends it again.
 * @throws ConfigError when an option is wrong or missing.
 */
export function creditsWebhook(
  options: CreditsWebhookOptions,
): (request: Request) => Promise<Response> {
  const settings = checkedWebhook(options)
  const { warn } = settings
  const sayRefused = seldom((reason: string) =>
    warn(
      `A request to the webhook was answered 400: ${reason}. Where it was Stripe's, compare webhookSecret with the signing secret (whsec_...) of this endpoint, and pass the body as it came`,
    ),
  )
  const sayUnfit = seldom((why: string) =>
    warn(`A request to the webhook was answered 500: ${why}`),
  )
  return async (request) => {
    const unfit = whyUnfit(request)
    if (unfit !== undefined) {
      sayUnfit(unfit)
      return answer(500, { error: 'the webhook is not set up; send it again' })
    }
    if (request.method !== 'POST') return answer(405, { error: 'POST it' }, { allow: 'POST' })
    let about = 'An event of Stripe'
    try {
      const received = await receive(request, settings)
      if (received.kind === 'refused') {
        sayRefused(received.reason)
        return answer(400, { error: received.reason })
      }
      const { id, type } = received.event
      about = `The event ${id} (${type}) of Stripe`
      const isApplied = await applyEvent(received.event, settings).catch((error: unknown) => {
        if (received.event.isTest && isOfTestMode(error)) return false
        throw error
      })
      return answer(200, isApplied ? { applied: type } : { ignored: type })
    } catch (error) {
      const isLater = error instanceof BusyObject || isPassing(error)
      settings.warn(`${about} could not be applied; Stripe sends it again: ${readable(error)}`)
      const body = { error: 'it could not be applied; send it again' }
      return isLater ? answer(503, body, { 'retry-after': '30' }) : answer(500, body)
    }
  }
}

const seldomMs = 60_000

/** Anybody can post: what each of them leads to is said once a minute. */
function seldom(say: (text: string) => void): (text: string) => void {
  let last = -Infinity
  return (text) => {
    if (performance.now() - last < seldomMs) return
    last = performance.now()
    say(text)
  }
}

/** Why nothing can be read of it; `undefined` where it can. */
function whyUnfit(request: unknown): string | undefined {
  const { headers, bodyUsed, body } = (request ?? {}) as Partial<Request>
  if (typeof headers?.get !== 'function') {
    return 'the function that creditsWebhook() returns was not given a web Request. In Express or on node:http make one of the raw body: new Request(url, { method, headers, body })'
  }
  if (bodyUsed === true || body?.locked === true) {
    return 'its body was read before. Pass the Request before anything parses it: the signature is over the body as it came'
  }
  return undefined
}

/** What is over by itself: Stripe is not reached or has too much to do, the store is busy. */
function isPassing(error: unknown): boolean {
  const { type, statusCode } = error as {
    readonly type?: unknown
    readonly statusCode?: unknown
  }
  if (isBusy(error) || type === 'StripeConnectionError') return true
  return (
    typeof statusCode === 'number' &&
    (statusCode === 429 || statusCode === 409 || statusCode >= 500)
  )
}

/**
 * A live endpoint for connected accounts is posted their test events too, which a live key cannot read.
 * https://docs.stripe.com/connect/webhooks
 */
function isOfTestMode(error: unknown): boolean {
  const { code, message } = error as Stripe.errors.StripeError
  return code === 'resource_missing' && message.includes('exists in test mode')
}

function readable(error: unknown): string {
  const { statusCode, message } = error as Stripe.errors.StripeError
  if (statusCode === 401 || statusCode === 403) {
    return `the key of the client may not read what it is about (status ${statusCode}): see the option stripe of creditsWebhook`
  }
  // Messages of Stripe's can have a key in them.
  return String(message ?? error).replace(/\b(?:sk|rk|pk|whsec)_[\w*]+/g, '[key]')
}

function answer(status: number, body: object, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers })
}
