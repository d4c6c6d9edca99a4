import {
  type Admission,
  type Guard,
  type GuardedCall,
  memoryOutbox,
  type Outbox,
} from '@token-meter/core'

/** How a hold ended, in the words of the contract; `kept` with the name of the job. */
export type HoldEnd = 'settled' | 'released' | 'lost' | `kept ${string}`

/** What a watched guard holds for one call. */
export interface WatchedHold {
  readonly id: string
  readonly call: GuardedCall
  /** How it ended so far: empty while it is open. */
  readonly ends: HoldEnd[]
  /** What was told of its output so far. */
  readonly seen: number[]
  /** How long it was kept for its job, in ms. */
  keptForMs?: number
}

/** A guard that holds for each call, and knows what became of it. */
export interface WatchedGuard extends Guard {
  readonly asked: GuardedCall[]
  readonly holds: WatchedHold[]
  /** Jobs that ended without usage. */
  readonly endedJobs: string[]
  /** How all holds ended, in the order in which they were made. */
  readonly ends: (readonly HoldEnd[])[]
  /** What it is asked before it holds: it throws, or answers a promise. @default holds at once */
  first: (call: GuardedCall) => unknown
  /** Where it is there, holds want to know the progress of streams. */
  progress: ((outputTokens: number) => undefined | Promise<void>) | undefined
}

export function watchedGuard(first: WatchedGuard['first'] = () => undefined): WatchedGuard {
  const asked: GuardedCall[] = []
  const holds: WatchedHold[] = []
  const endedJobs: string[] = []
  const hold = (call: GuardedCall): Admission => {
    const ends: HoldEnd[] = []
    const seen: number[] = []
    const { progress } = guard
    const held: WatchedHold = { id: `hold_${holds.length + 1}`, call, ends, seen }
    holds.push(held)
    return {
      holdIds: [held.id],
      settled: () => void ends.push('settled'),
      release: () => void ends.push('released'),
      lost: () => void ends.push('lost'),
      keep({ name, forMs }) {
        held.keptForMs = forMs
        ends.push(`kept ${name}`)
      },
      ...(progress && {
        progress(tokens: number) {
          seen.push(tokens)
          return progress(tokens)
        },
      }),
    }
  }
  const guard: WatchedGuard = {
    asked,
    holds,
    endedJobs,
    get ends() {
      return holds.map(({ ends }) => ends)
    },
    first,
    progress: undefined,
    admit(call) {
      asked.push(call)
      const wait = guard.first(call)
      return wait instanceof Promise ? wait.then(() => hold(call)) : hold(call)
    },
    ended: ({ name }) => void endedJobs.push(name),
  }
  return guard
}

/** What was appended to an outbox in one go. */
export interface WatchedAppend {
  readonly records: number
  readonly holdIds: readonly string[]
}

/** An outbox in memory that tells what it was given, by `appends`. @param isSlow it takes its time. */
export function watchedOutbox(isSlow = false): Outbox & { readonly appends: WatchedAppend[] } {
  const outbox = memoryOutbox()
  const appends: WatchedAppend[] = []
  return Object.assign(outbox, {
    appends,
    append: ((append) => (records, options) => {
      appends.push({ records: records.length, holdIds: options?.holdIds ?? [] })
      if (!isSlow) return append(records, options)
      return new Promise<void>((resolve) => setImmediate(resolve)).then(() =>
        append(records, options),
      )
    })(outbox.append.bind(outbox)) as Outbox['append'],
  })
}

/** What a guard refuses with, as that of credits does. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
  readonly code = 'insufficient_credits'
  readonly status = 402
  readonly unit = 'usd'
  readonly available = '0.01'
  readonly required = '0.20'
  readonly affordableOutputTokens = 120
  readonly customer: string | null

  constructor(customer: string | null = 'cus_1') {
    super('the credits do not suffice')
    this.customer = customer
  }
}
