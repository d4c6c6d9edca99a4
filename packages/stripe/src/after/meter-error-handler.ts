/**
 * Stripe accepts meter events before it looks at all of them, and tells a webhook what it could not
 * bill: signed request (notification) -> event (fetched: the notification is thin)
 * -> errors (meter-error-event) -> dead letters and report (meter-error-report).
 */
import { ConfigError, isAboveZero, isFunction, optionCheck } from '@token-meter/core/sink'
import type Stripe from 'stripe'
import { type AfterTheFactOptions, afterTheFact } from './after-the-fact.ts'
import { meterErrorData } from './meter-error-event.ts'
import { type MeterErrorReport, refuseRecords, reportLine } from './meter-error-report.ts'
import { type Received, receive } from './notification.ts'

/** Options of `meterErrorHandler`, beside those of the sink. */
export interface MeterErrorHandlerOptions extends AfterTheFactOptions {
  /**
   * The signing secret of the event destination, `whsec_...`; or several, where one is to replace
   * another, or several destinations lead here: a notification that is signed with any of them is
   * taken.
   */
  readonly webhookSecret: string | readonly string[] | undefined
  /** How old a signature may be, in ms. @default 300000 */
  readonly toleranceMs?: number | undefined
  /**
   * Told what each notification came to, and waited for: when it fails, Stripe sends it again.
   * @default one line by console.warn
   */
  readonly onReport?: ((report: MeterErrorReport) => void | Promise<void>) | undefined
  /** Told why a notification could not be handled; Stripe sends it again. @default console.warn */
  readonly onError?: ((message: string) => void) | undefined
}

const types: readonly string[] = [
  'v1.billing.meter.error_report_triggered',
  'v1.billing.meter.no_meter_found',
]

/** So many notifications are remembered, to answer those that come again without a request. */
const remembered = 1000

/**
 * Makes a webhook, `Request` in and `Response` out, that turns usage which Stripe had accepted and
 * then could not bill into dead letters: `app.post('/stripe/webhook', (c) => handle(c.req.raw))`.
 * The same notification twice changes nothing the second time, in whatever process.
 *
 * It answers 200 when all is done, and for events of other types; 400 for what Stripe did not sign, or
 * is longer than any notification; 503 while a record that is named is still on its way, so that
 * Stripe comes again; 500 when the event cannot be read or the outbox fails. No answer says more than
 * counts.
 * @throws ConfigError when an option is wrong or missing.
 */
export function meterErrorHandler(
  options: MeterErrorHandlerOptions,
): (request: Request) => Promise<Response> {
  const after = afterTheFact('meterErrorHandler', options, {
    webhookSecret: true,
    toleranceMs: true,
    onReport: true,
    onError: true,
  })
  const webhookSecrets = checkedSecrets(options.webhookSecret)
  const { toleranceMs = 300_000, onReport, onError } = options
  const check = optionCheck('meterErrorHandler')
  check('toleranceMs', toleranceMs, 'a number of ms above 0', isAboveZero)
  check('onReport', onReport ?? isFunction, 'a function', isFunction)
  check('onError', onError ?? isFunction, 'a function', isFunction)
  const { stripe } = after
  const signature = { stripe, webhookSecrets, toleranceSeconds: Math.ceil(toleranceMs / 1000) }
  const warn = (message: string) => (onError ?? console.warn)(message)
  const done = new Set<string>()

  async function handle(notification: Notification): Promise<Response> {
    const { id: eventId, meter } = notification
    if (done.has(eventId)) return answer(200, { handled: 'before' })
    const event = await fetchEvent(notification)
    const { errors, fromMs, untilMs } = meterErrorData(event.data)
    const unnamed = errors
      .map(({ code, count, samples }) => ({ code, count: count - samples.length }))
      .filter(({ count }) => count > 0)
    const outcome = await refuseRecords(after, errors)
    const report = { eventId, meter, fromMs, untilMs, ...outcome, unnamed }
    if (onReport === undefined) console.warn(reportLine(report))
    else await onReport(report)
    const counts = {
      deadLetters: outcome.deadLetters.length,
      pending: outcome.pending.length,
      unknown: outcome.unknown.length,
      unnamed: unnamed.reduce((sum, { count }) => sum + count, 0),
    }
    if (outcome.pending.length > 0) return answer(503, counts, { 'retry-after': '60' })
    remember(eventId)
    return answer(200, counts)
  }

  function remember(eventId: string): void {
    done.add(eventId)
    const [oldest] = done
    if (done.size > remembered && oldest !== undefined) done.delete(oldest)
  }

  /** @throws Error that says what the key lacks. */
  async function fetchEvent({ id, context }: Notification): Promise<{ readonly data?: unknown }> {
    const { stripeAccount: _, ...request } = after.request
    const account = context === undefined ? {} : { stripeContext: context }
    try {
      return (await stripe.v2.core.events.retrieve(id, {}, { ...request, ...account })) as object
    } catch (error) {
      const { statusCode, message } = error as Stripe.errors.StripeError
      const hint =
        statusCode === 401 || statusCode === 403
          ? 'the API key may not read events: give it the permission "Events: Read", or this handler a key of its own'
          : message
      throw new Error(`cannot read the event ${id} at Stripe: ${hint}`, { cause: error })
    }
  }

  return async (request) => {
    if (request.method !== 'POST') return answer(405, { error: 'POST it' }, { allow: 'POST' })
    try {
      const received = await receive(request, signature)
      if (received.kind === 'refused') return answer(400, { error: received.reason })
      if (received.kind === 'snapshot') {
        warn(
          'The webhook got a snapshot event: set the payload style of its event destination to Thin.',
        )
        return answer(200, { ignored: 'snapshot event' })
      }
      const isOurs = types.includes(received.type) && isOfAccount(received, after.stripeAccount)
      return isOurs ? await handle(received) : answer(200, { ignored: received.type })
    } catch (error) {
      warn(`A notification of Stripe's could not be handled: ${after.readable(error)}`)
      return answer(500, { error: 'it could not be handled; send it again' })
    }
  }
}

type Notification = Extract<Received, { kind: 'notification' }>

/** A sink of one connected account has nothing to do with the others that an endpoint hears of. */
function isOfAccount({ context }: Notification, stripeAccount: string | undefined): boolean {
  return stripeAccount === undefined || context === undefined || context === stripeAccount
}

function answer(status: number, body: object, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers })
}

function checkedSecrets(webhookSecret: unknown): readonly string[] {
  const secrets: readonly unknown[] = Array.isArray(webhookSecret) ? webhookSecret : [webhookSecret]
  const isSecret = (secret: unknown) => typeof secret === 'string' && secret !== ''
  if (secrets.length > 0 && secrets.every(isSecret)) return [...(secrets as readonly string[])]
  throw new ConfigError(
    'meterErrorHandler: webhookSecret is missing; set it to the signing secret (whsec_...) of the event destination, or to a list of such',
  )
}
