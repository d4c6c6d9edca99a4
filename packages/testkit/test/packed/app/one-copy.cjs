'use strict'
const { createRequire } = require('node:module')
const core = require('@token-meter/core')
const adapter = require('@token-meter/core/adapter')

/** Which classes that two entries export are one and the same, in the CJS and in the ESM build. */
const shared = ['ConfigError', 'MissingCustomerError', 'OutboxError', 'TokenMeterError']

async function main() {
  const [esmCore, esmAdapter] = await Promise.all([
    import('@token-meter/core'),
    import('@token-meter/core/adapter'),
  ])
  const { stripeSink } = createRequire(__filename)('@token-meter/stripe')
  let thrown
  try {
    stripeSink({ apiKey: '' })
  } catch (error) {
    thrown = error
  }
  console.log(
    JSON.stringify({
      cjs: shared.filter((name) => core[name] === adapter[name]),
      esm: shared.filter((name) => esmCore[name] === esmAdapter[name]),
      sinkThrowsCoresError: thrown instanceof core.ConfigError,
    }),
  )
}

main()
