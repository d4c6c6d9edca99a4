'use strict'
const { createMeter } = require('@token-meter/core')
const { sqliteOutbox } = require('@token-meter/core/sqlite')
const { openaiProvider } = require('@token-meter/openai')
const { stripeSink } = require('@token-meter/stripe')
const { OpenAI } = require('openai')
const meteredCalls = require('./metered-calls.cjs')

const packages = { OpenAI, createMeter, sqliteOutbox, openaiProvider, stripeSink }
meteredCalls(packages, process.argv[2])
