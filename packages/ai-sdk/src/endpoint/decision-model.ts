import type { Endpoint } from '@token-meter/core/wire'
import { wholeAnswer } from '../usage/model-answer.ts'
import { readUsage } from '../usage/read-usage.ts'

function questions(name: string): Endpoint {
  return {
    name,
    read: (result, { provider, body }) =>
      readUsage(wholeAnswer(result), provider, String(body.model)),
    estimateInput: (body, estimate) =>
      estimate.addStrings([body.state, body.questions, body.fields]),
    estimateOutput: (result, estimate) =>
      estimate.addStrings((result as { answers?: unknown } | null)?.answers),
  }
}

/** `doDecide` (`doEvaluate` in earlier versions): answers to given questions. */
export const decisionModel: Endpoint = questions('decisionModel')

/** `doExtract`: values of given fields. */
export const extractionModel: Endpoint = questions('extractionModel')
