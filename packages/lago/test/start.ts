import { startFakeLago, type FakeLagoOptions } from '@token-meter/testkit'
import { onTestFinished } from 'vitest'
import { lagoSink, type LagoSinkOptions } from '../src/index.ts'

/** A fake Lago and a sink on it that does not ask for codes; it ends with the test. */
export async function start(options: LagoSinkOptions = {}, fakeOptions: FakeLagoOptions = {}) {
  const fake = await startFakeLago(fakeOptions)
  onTestFinished(() => fake.close())
  const { apiKey, url: apiUrl } = fake
  const own = options.client === undefined ? { apiKey, apiUrl } : {}
  const sink = lagoSink({ ...own, checkCodes: false, timeoutMs: 2000, ...options })
  return { fake, sink, apiKey, apiUrl }
}
