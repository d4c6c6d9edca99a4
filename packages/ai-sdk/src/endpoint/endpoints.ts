import type { Endpoint } from '@token-meter/core/wire'
import { wholeAnswer } from '../usage/answer.ts'
import { readUsage } from '../usage/read-usage.ts'
import { speechModel, transcriptionModel } from './audio-models.ts'
import { questionBounds } from './bounds.ts'
import { embeddingModel } from './embedding-model.ts'
import { imageModel } from './image-model.ts'
import { languageModel } from './language-model.ts'

function questions(name: string): Endpoint {
  return {
    name,
    bounds: questionBounds,
    read: (result, { provider, body }) =>
      readUsage(wholeAnswer(result), provider, String(body.model)),
    estimateInput: (body, estimate) =>
      estimate.addStrings([body.state, body.questions, body.fields]),
    estimateOutput: (result, estimate) =>
      estimate.addStrings((result as { answers?: unknown } | null)?.answers),
  }
}

/** `doDecide` (`doEvaluate` in earlier versions): answers to given questions. */
const decisionModel: Endpoint = questions('decisionModel')

/** `doExtract`: values of given fields. */
const extractionModel: Endpoint = questions('extractionModel')

const endpoints: Readonly<Record<string, Endpoint>> = {
  languageModel,
  embeddingModel,
  imageModel,
  speechModel,
  transcriptionModel,
  decisionModel,
  extractionModel,
}

/** How the calls of a kind of model are read; `undefined` for what is not metered. */
export function endpointOf(kind: string): Endpoint | undefined {
  return Object.hasOwn(endpoints, kind) ? endpoints[kind] : undefined
}
