import { createMeter } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { openaiProvider } from '@token-meter/openai'
import { stripeSink } from '@token-meter/stripe'
import OpenAI from 'openai'
import meteredCalls from './metered-calls.cjs'

const packages = { OpenAI, createMeter, sqliteOutbox, openaiProvider, stripeSink }
await meteredCalls(packages, process.argv[2])
