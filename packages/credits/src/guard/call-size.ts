/** How much a call can be at the most, in tokens, before it is sent. */
import type { GuardedCall } from '@token-meter/core'
import { CallRefusedError } from '../errors.ts'
import type { GuardSettings } from './options.ts'

export interface CallSize {
  readonly input: number
  /** What the input comes to in all likelihood: a call of which nobody hears again is charged for it. */
  readonly likelyInput: number
  /** Of one answer. */
  readonly output: number
  readonly answers: number
  /** The call itself caps its output, or cannot make any. */
  readonly isCapped: boolean
  /** How much a model could make of it beyond `output`; `undefined` where nobody knows. */
  readonly modelMax: number | undefined
  /** It asks that its input is kept in a cache, which can cost more than to read it. */
  readonly writesCache: boolean
}

/**
 * No model reads or writes so many tokens, and no batch has so many answers. What a request says beyond is
 * held for as so many, which nobody has credit for, and with which a number is exact.
 */
const mostTokens = 2 ** 32
const mostAnswers = 2 ** 20

/** About how many bytes of text are one token, most of them: English, code. */
const bytesPerToken = 4

/** @throws CallRefusedError for a call that is not bounded, where those are refused. */
export function callSize(call: GuardedCall, settings: GuardSettings): CallSize {
  const bounds = call.bounds()
  const { beyond, noOutput, maxOutput } = bounds
  if (beyond.length > 0 && settings.unbounded === 'refuse') {
    throw new CallRefusedError(
      `the input of this call of ${call.call.endpoint} is not all in its request (${beyond.join(', ')}), so that what it costs has no bound: send it as text, or make the guard with unbounded: 'hold'`,
      { reason: 'unbounded_input', customer: call.customer },
    )
  }
  const unseen = beyond.length > 0 ? settings.unboundedInput : 0
  const isBound = settings.estimate === 'bound'
  // The heuristic finds nothing in a body that it does not know, such as that of a batch.
  const byBytes = Math.ceil(bounds.inputBytes / bytesPerToken)
  const likely = (isBound ? 0 : call.likelyInput()) || byBytes
  const seen = isBound ? bounds.inputBytes : likely
  const modelMax = knownMax(call, settings)
  const output = Math.min(maxOutput ?? settings.defaultMaxOutput, modelMax ?? Infinity)
  return {
    input: counted(seen + unseen, mostTokens),
    likelyInput: counted(likely + unseen, mostTokens),
    output: noOutput ? 0 : counted(output, mostTokens),
    answers: Math.max(1, counted(bounds.answers, mostAnswers)),
    isCapped: noOutput || maxOutput !== undefined,
    modelMax,
    writesCache: bounds.cacheWrites,
  }
}

/** A whole number, whatever a reader of requests has made of one. */
function counted(value: number, most: number): number {
  return Number.isNaN(value) ? most : Math.min(Math.max(0, Math.ceil(value)), most)
}

/** What the application knows of a model; what is no count is as good as nothing. */
function knownMax({ model, call }: GuardedCall, settings: GuardSettings): number | undefined {
  if (model === null) return undefined
  try {
    const most = settings.modelMaxOutput(model, call.provider)
    return Number.isSafeInteger(most) && (most as number) >= 0 ? most : undefined
  } catch {
    return undefined
  }
}
