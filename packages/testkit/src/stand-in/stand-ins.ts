import type { FakeServer, FakeServerOptions } from '../http/fake-server.ts'
import { startFakeLago } from '../lago/fake-lago.ts'
import { startFakeMetronome } from '../metronome/fake-metronome.ts'
import { startFakeOpenMeter } from '../openmeter/fake-open-meter.ts'
import { startFakeStripe } from '../stripe/fake-stripe.ts'

/** A fake backend as the command shows it. Another backend is another row of `standIns`. */
export interface StandIn {
  /** In prose: `Stripe`. */
  readonly title: string
  start(options: StandInOptions): Promise<RunningStandIn>
}

export interface StandInOptions extends Pick<FakeServerOptions, 'port' | 'onRequest'> {
  /** The key that is accepted. @default one that is made up */
  readonly key?: string | undefined
}

export interface RunningStandIn {
  readonly server: Pick<FakeServer, 'url' | 'close'>
  readonly key: string
  /** The code of a sink that sends here. */
  readonly sink: string
  /** All events that the backend has, in order of arrival. */
  events(): readonly object[]
  /** What an event says, a few words each. */
  describe(event: object): readonly unknown[]
  /** The sums that are billed, a row each. */
  billed(): readonly object[]
}

/** By the name that the command takes. */
export const standIns: Readonly<Record<string, StandIn>> = {
  stripe: {
    title: 'Stripe',
    // A key of a sandbox: usage that is recorded under it is never taken for live usage.
    async start({ key: apiKey = 'rk_test_fake', ...options }) {
      const server = await startFakeStripe({ ...options, apiKey })
      return running(server, apiKey, {
        sink: `stripeSink({ apiKey: '${apiKey}', baseUrl: '${server.url}' })`,
        events: () => server.meterEvents,
        describe: ({ event_name, payload }) => {
          const { stripe_customer_id, value, ...dimensions } = payload
          return [stripe_customer_id, event_name, value, ...Object.values(dimensions)]
        },
      })
    },
  },
  metronome: {
    title: 'Metronome',
    async start({ key: bearerToken = 'metronome-token-fake', ...options }) {
      const server = await startFakeMetronome({ ...options, bearerToken })
      return running(server, bearerToken, {
        sink: `metronomeSink({ bearerToken: '${bearerToken}', baseUrl: '${server.url}' })`,
        events: () => server.events,
        describe: ({ customer_id, event_type, properties }) => [
          customer_id,
          event_type,
          JSON.stringify(properties),
        ],
      })
    },
  },
  lago: {
    title: 'Lago',
    async start({ key, ...options }) {
      const server = await startFakeLago({ ...options, ...(key && { apiKey: key }) })
      return running(server, server.apiKey, {
        sink: `lagoSink({ apiKey: '${server.apiKey}', apiUrl: '${server.url}' })`,
        events: () => server.events,
        describe: ({ external_subscription_id, code, properties }) => [
          external_subscription_id,
          code,
          JSON.stringify(properties),
        ],
      })
    },
  },
  openmeter: {
    title: 'OpenMeter',
    async start({ key: apiKey = 'om_fake', ...options }) {
      const server = await startFakeOpenMeter({ ...options, apiKey })
      return running(server, apiKey, {
        sink: `openMeterSink({ apiKey: '${apiKey}', url: '${server.url}' })`,
        events: () => server.events,
        describe: ({ subject, type, data }) => [subject, type, JSON.stringify(data)],
      })
    },
  },
}

interface Shown<Event extends object> {
  readonly sink: string
  readonly events: () => readonly Event[]
  readonly describe: (event: Event) => readonly unknown[]
}

function running<Event extends object>(
  server: FakeServer & { billed(): readonly object[] },
  key: string,
  { describe, ...shown }: Shown<Event>,
): RunningStandIn {
  return {
    ...shown,
    server,
    key,
    describe: (event) => describe(event as Event),
    billed: server.billed,
  }
}
