'use strict'
const { stripeSink } = require('@token-meter/stripe')
const testkit = require('@token-meter/testkit')
const billedByFake = require('./fake-stripe-run.cjs')

billedByFake(testkit, stripeSink)
