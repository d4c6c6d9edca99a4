import { Client } from 'lago-javascript-client'
import {
  startFakeLago,
  type FakeLago,
  type FakeLagoOptions,
  type FaultOptions,
} from '@token-meter/testkit'
import { describeSink } from '@token-meter/testkit/suites'
import { lagoSink } from './lago-sink.ts'

/** The expression of the billable metric cannot be computed for one of the customers. */
const expression: FakeLagoOptions['expression'] = ({ external_subscription_id: id }) =>
  id === 'cus_poison' ? 'Variable: properties.rate not found' : undefined
const poison = {
  record: { customer: 'cus_poison' },
  reason: /422.*Variable: properties.rate not found.*expression of the billable metric/,
}

for (const store of ['postgres', 'clickhouse'] as const) {
  for (const events of ['per-record', 'per-token-type'] as const) {
    describeSink(`lagoSink ${events}, on ${store}`, {
      backend: () => startFakeLago({ store, expression }),
      create: ({ apiKey, url }, { timeoutMs }) =>
        lagoSink({ apiKey, apiUrl: url, events, timeoutMs, checkCodes: false }),
      poison,
    })
  }
}

describeSink('lagoSink on a Lago that keeps the neighbours of a duplicate', {
  backend: () => startFakeLago({ keepsNeighbours: true, expression }),
  create: ({ apiKey, url }, { timeoutMs }) =>
    lagoSink({ apiKey, apiUrl: url, timeoutMs, checkCodes: false }),
  poison,
})

describeSink('lagoSink with the code checked', {
  backend: eventsOfFakeLago,
  create: ({ apiKey, url }, { timeoutMs }) => lagoSink({ apiKey, apiUrl: url, timeoutMs }),
  poison,
})

describeSink('lagoSink with a client of the application', {
  backend: eventsOfFakeLago,
  create: ({ apiKey, url }, { timeoutMs }) =>
    lagoSink({ client: Client(apiKey, { baseUrl: `${url}/api/v1` }), timeoutMs }),
  poison,
})

/** What the suite sees of Lago: the requests that carry events. Those that ask have own tests. */
async function eventsOfFakeLago(): Promise<FakeLago> {
  const fake = await startFakeLago({ expression })
  const to = '/events/batch'
  return {
    ...fake,
    get requests() {
      return fake.requests.filter(({ path }) => path.endsWith(to))
    },
    failWith: (fault, options?: FaultOptions) => fake.failWith(fault, { ...options, to }),
  }
}
