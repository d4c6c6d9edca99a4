import {
  type Admission,
  createMeter,
  type Guard,
  memoryOutbox,
  type Meter,
  type Outbox,
} from '@token-meter/core'
import { anthropicProvider } from '@token-meter/anthropic'
import { googleProvider } from '@token-meter/google'
import { openaiProvider } from '@token-meter/openai'
import { loadSdk } from '../sdk/load-sdk.ts'
import type { SdkName } from '../sdk/sdk.ts'
import type { Subject, SubjectDefinition, Telemetry } from './subject.ts'

const every: readonly SdkName[] = ['openai7', 'openai6', 'anthropic', 'genai']

/** token-meter with its memory outbox and no sink. */
export const ours: SubjectDefinition = {
  name: 'token-meter',
  isPeer: false,
  sdks: every,
  load: (name, telemetry) => load(name, telemetry, memoryOutbox()),
}

/** token-meter with an outbox that keeps nothing, so that its own cost stands alone. */
export const oursWithoutOutbox: SubjectDefinition = {
  name: 'token-meter, no outbox',
  isPeer: false,
  sdks: every,
  load: (name, telemetry) => load(name, telemetry, keepsNothing()),
}

/** token-meter where the caller does not ask for the usage of a stream: it asks, and hides it. */
export const oursAsking: SubjectDefinition = {
  name: 'token-meter, usage hidden',
  isPeer: false,
  sdks: ['openai7', 'openai6'],
  load: async (name, telemetry) => ({
    ...(await load(name, telemetry, keepsNothing())),
    asksForUsage: true,
  }),
}

/** token-meter with a guard that looks at what a call can use, and lets each go at once. */
export const oursGuarded: SubjectDefinition = {
  name: 'token-meter, no outbox, guarded',
  isPeer: false,
  sdks: ['openai7', 'openai6', 'anthropic'],
  load: (name, telemetry) => load(name, telemetry, keepsNothing(), admitting),
}

const ended = (): void => {}

const admitting: Guard = {
  admit(call): Admission {
    const { inputBytes, answers } = call.bounds()
    const holdIds = [`hold_${call.likelyInput() + inputBytes + answers}`]
    return { holdIds, settled: ended, release: ended, lost: ended, keep: ended }
  },
}

function keepsNothing(): Outbox {
  return { ...memoryOutbox(), append: () => {} }
}

async function load(
  name: SdkName,
  telemetry: Telemetry,
  outbox: Outbox,
  guard?: Guard,
): Promise<Subject> {
  const sdk = await loadSdk(name, 'subject')
  const providers = [openaiProvider, anthropicProvider, googleProvider]
  const meter = createMeter({ providers, outbox, ...(guard && { guard }) }) as Meter
  let unlisten: (() => void) | undefined
  // By default only hosts that are known to take it are asked for usage.
  const wrap = (client: object): object => meter(client, 'cus_1', { includeUsage: true })
  return {
    sdk,
    wrap,
    connect: (options) => wrap(sdk.connect(options)),
    // Where nobody looks, nobody listens either.
    settle() {
      unlisten?.()
      unlisten = telemetry.seen && meter.on('usage', (record) => telemetry.seen?.(record))
    },
  }
}
