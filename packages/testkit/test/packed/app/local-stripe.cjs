'use strict'
const listen = require('./listen.cjs')

/** Takes v2 meter events, and keeps them in `events`. */
module.exports = async function startLocalStripe() {
  const events = []
  const server = await listen((event, response) => {
    events.push(event)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ object: 'v2.billing.meter_event', livemode: false, ...event }))
  })
  return { ...server, events }
}
