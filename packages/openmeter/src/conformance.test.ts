import { OpenMeter } from '@openmeter/sdk'
import { startFakeOpenMeter } from '@token-meter/testkit'
import { describeSink } from '@token-meter/testkit/suites'
import { openMeterSink } from './open-meter-sink.ts'

// A subject of no characters is what OpenMeter's API description refuses for certain.
const poison = { record: { customer: '' }, reason: /OpenMeter refused it \(400\).*subject/ }

describeSink('openMeterSink', {
  backend: () => startFakeOpenMeter(),
  create: ({ apiKey, url }, { timeoutMs }) => openMeterSink({ apiKey, url, timeoutMs }),
  poison,
})

describeSink('openMeterSink of whole records', {
  backend: () => startFakeOpenMeter({ apiKey: null }),
  create: ({ url }, { timeoutMs }) => openMeterSink({ url, events: 'per-record', timeoutMs }),
  poison,
})

describeSink('openMeterSink of v3', {
  backend: () => startFakeOpenMeter({ api: 'v3' }),
  create: ({ apiKey, url }, { timeoutMs }) =>
    openMeterSink({ apiKey, url: `${url}/v3/openmeter`, timeoutMs }),
  poison,
})

describeSink('openMeterSink with a client of the application', {
  backend: () => startFakeOpenMeter(),
  create: ({ apiKey, url: baseUrl }, { timeoutMs }) =>
    openMeterSink({ client: new OpenMeter({ baseUrl, apiKey }), timeoutMs }),
  poison,
})
