import * as core from '@token-meter/core'
import * as cost from '@token-meter/core/cost'
import * as sqlite from '@token-meter/core/sqlite'
import * as credits from '@token-meter/credits'
import * as creditsAtStripe from '@token-meter/credits/stripe'
import * as openai from '@token-meter/openai'
import * as stripe from '@token-meter/stripe'
import * as testkit from '@token-meter/testkit'
import OpenAI from 'openai'
import Stripe from 'stripe'
import run from './credits-run.cjs'

const ours = { ...core, ...cost, ...sqlite, ...credits, ...creditsAtStripe, ...openai }
const use = { ...ours, ...stripe, ...testkit, OpenAI, Stripe }
console.log(JSON.stringify(await run(use, process.argv[2])))
