import { parseArgs } from 'node:util'
import type { StripeApi } from '@token-meter/stripe'

/** A crash run as it was asked for on the command line. */
export interface CrashCommand {
  readonly kills: number
  readonly outbox: 'sqlite' | 'postgres'
  readonly api: StripeApi
  readonly aggregate: boolean
  readonly seed: string
}

export const usage = `pnpm crash -- [options]
  --kills <number>           SIGKILLs, from 1 up (1000)
  --outbox sqlite|postgres   (sqlite)
  --api v1|v2|stream         Stripe's ways to take events (v2)
  --aggregate                send sums in place of single records
  --seed <text>              decides the run (a new one each time)`

/** Reads the command line; the answer is a text when something is wrong with it. */
export function crashCommand(given: readonly string[]): CrashCommand | string {
  try {
    const { values } = parseArgs({
      // pnpm hands its own separator on.
      args: given.filter((argument) => argument !== '--'),
      options: {
        kills: { type: 'string', default: '1000' },
        outbox: { type: 'string', default: 'sqlite' },
        api: { type: 'string', default: 'v2' },
        aggregate: { type: 'boolean', default: false },
        seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      },
    })
    const kills = Number(values.kills)
    if (!Number.isSafeInteger(kills) || kills < 1) {
      return `--kills takes a whole number from 1 up, got ${values.kills}`
    }
    const outbox = oneOf('--outbox', values.outbox, ['sqlite', 'postgres'] as const)
    const api = oneOf('--api', values.api, ['v1', 'v2', 'stream'] as const)
    return { kills, outbox, api, aggregate: values.aggregate, seed: values.seed }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function oneOf<Value extends string>(flag: string, given: string, values: readonly Value[]): Value {
  const found = values.find((value) => value === given)
  if (found === undefined) throw new Error(`${flag} takes ${values.join(' or ')}, got ${given}`)
  return found
}
