'use strict'

/** Sends an example to a fake Stripe, and prints what it bills. */
module.exports = async function billedByFake(testkit, stripeSink) {
  const { batchOf, exampleRecord, never, startFakeStripe } = testkit
  const stripe = await startFakeStripe()
  const sink = stripeSink({ apiKey: stripe.apiKey, baseUrl: stripe.url })
  await sink.send(batchOf([exampleRecord({ at: Date.now() })]), never)
  const billed = stripe.billed().map(({ value }) => value)
  await stripe.close()
  const ranSuites = Object.keys(testkit).some((name) => name.startsWith('describe'))
  console.log(JSON.stringify({ billed, ranSuites }))
}
