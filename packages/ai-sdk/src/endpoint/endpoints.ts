import type { Endpoint } from '@token-meter/core/wire'
import { decisionModel, extractionModel } from './decision-model.ts'
import { embeddingModel } from './embedding-model.ts'
import { imageModel } from './image-model.ts'
import { languageModel } from './language-model.ts'
import { speechModel } from './speech-model.ts'
import { transcriptionModel } from './transcription-model.ts'

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
