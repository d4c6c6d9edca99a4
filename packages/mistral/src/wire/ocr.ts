import {
  countReader,
  type Endpoint,
  isErrorAnswer,
  jsonObject,
  noEstimate,
  noTokens,
  text,
  unknownUsage,
  usageDetails,
} from '@token-meter/core/wire'

import { pieceBounds } from './bounds.ts'

/** `POST /v1/ocr`, which is billed by the page: https://mistral.ai/pricing */
export const ocr: Endpoint = {
  ...noEstimate,
  name: 'ocr',
  bounds: pieceBounds,
  inputs: ['document'],
  read(response) {
    if (isErrorAnswer(response, 'usage_info', ['pages'])) return []
    const { model, pages, usage_info: usage } = jsonObject(response)
    const problems: string[] = []
    const stated = countReader(problems)(jsonObject(usage).pages_processed, 'pages_processed')
    const answered = Array.isArray(pages) ? pages.length : undefined
    if (stated === undefined) {
      problems.push(
        `the pages processed are not said: the ${answered ?? 0} of the answer are counted`,
      )
    }
    const details = usageDetails({ pages: stated ?? answered })
    return [
      {
        ...unknownUsage(text(model)),
        tokens: noTokens,
        details,
        problems,
        raw: usage ?? undefined,
      },
    ]
  },
}
