import { type Sink, toMeterEvents, type TokenType, type UsageRecord } from '@token-meter/core'
import { stripeSink } from '@token-meter/stripe'
import { startFakeStripe } from '@token-meter/testkit'

/** Where the usage is billed. */
export interface StripeAccount {
  readonly description: string
  readonly sink: Sink
  /** The meter events that reached Stripe; `delivered` is what the meter says was delivered. */
  meterEvents(delivered: readonly UsageRecord[]): readonly ReceivedEvent[]
}

/** A meter event as Stripe has it. */
export interface ReceivedEvent {
  readonly identifier: string
  readonly customer: string
  readonly model: string
  readonly tokenType: TokenType
  readonly value: number
}

/** Stripe itself. It does not list meter events, so what it accepted is what counts. */
export function realStripe(apiKey: string): StripeAccount {
  return {
    description: 'real: https://api.stripe.com',
    sink: stripeSink({ apiKey }),
    meterEvents: (delivered) =>
      delivered
        .flatMap((record) => toMeterEvents(record))
        .map((event) => ({
          identifier: event.id,
          customer: event.customer,
          model: event.dimensions.model,
          tokenType: event.dimensions.token_type as TokenType,
          value: event.value,
        })),
  }
}

/** A fake that speaks Stripe's HTTP API and remembers the events it got. */
export async function localStripe(): Promise<StripeAccount & AsyncDisposable> {
  const fake = await startFakeStripe()
  return {
    description:
      'on this machine: a fake, over real HTTP. With STRIPE_RESTRICTED_KEY: the real Stripe.',
    sink: stripeSink({ apiKey: fake.apiKey, baseUrl: fake.url }),
    meterEvents: () =>
      fake.meterEvents.map(({ identifier = '', payload }) => ({
        identifier,
        customer: payload.stripe_customer_id ?? '',
        model: payload.model ?? '',
        tokenType: payload.token_type as TokenType,
        value: Number(payload.value),
      })),
    [Symbol.asyncDispose]: () => fake.close(),
  }
}
