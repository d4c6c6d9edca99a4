import { stripeSink } from '@token-meter/stripe'
import * as testkit from '@token-meter/testkit'
import billedByFake from './fake-stripe-run.cjs'

await billedByFake(testkit, stripeSink)
