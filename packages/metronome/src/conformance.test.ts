import Metronome from '@metronome/sdk'
import { startFakeMetronome, type FakeMetronome } from '@token-meter/testkit'
import { describeSink } from '@token-meter/testkit/suites'
import { metronomeSink } from './metronome-sink.ts'

const poison = { record: { customer: 'cus_poison' }, reason: /Metronome refused it: 400 No\./ }

describeSink('metronomeSink', {
  backend: startPoisonable,
  create: ({ bearerToken, url }, { timeoutMs }) =>
    metronomeSink({ bearerToken, baseUrl: url, timeoutMs }),
  poison,
  hasEmptySuccess: true,
})

describeSink('metronomeSink with a Metronome client of the application', {
  backend: startPoisonable,
  create: ({ bearerToken, url }, { timeoutMs }) =>
    metronomeSink({ client: new Metronome({ bearerToken, baseURL: url }), timeoutMs }),
  poison,
  hasEmptySuccess: true,
})

/** What Metronome refuses, the sink never makes; so there is a rule for this customer. */
async function startPoisonable(): Promise<FakeMetronome> {
  const fake = await startFakeMetronome()
  const refusal = { status: 400, body: { message: 'No.' } }
  fake.failWith(refusal, { times: Infinity, matching: 'cus_poison' })
  return fake
}
