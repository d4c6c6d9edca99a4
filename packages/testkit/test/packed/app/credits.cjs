'use strict'
const run = require('./credits-run.cjs')

const use = {
  ...require('@token-meter/core'),
  ...require('@token-meter/core/cost'),
  ...require('@token-meter/core/sqlite'),
  ...require('@token-meter/credits'),
  ...require('@token-meter/credits/stripe'),
  ...require('@token-meter/openai'),
  ...require('@token-meter/stripe'),
  ...require('@token-meter/testkit'),
  OpenAI: require('openai'),
  Stripe: require('stripe'),
}

run(use, process.argv[2]).then((outcome) => console.log(JSON.stringify(outcome)))
