import { type Endpoint, jsonObject } from '@token-meter/core/wire'
import { contentReading } from './content-reading.ts'
import { ContentStreamReader } from './content-stream-reader.ts'
import { Grounding } from './grounding.ts'
import { addCandidates } from './output-text.ts'
import { isRefusal } from './refusal.ts'

/** `POST models/...:generateContent` and `:streamGenerateContent` */
export const generateContent: Endpoint = {
  name: 'generateContent',
  read(response, { body }) {
    if (isRefusal(response)) return []
    const { usageMetadata, modelVersion, candidates, responseId } = jsonObject(response)
    const grounding = new Grounding()
    grounding.see(candidates)
    return [
      contentReading(usageMetadata ?? undefined, modelVersion, body.model, grounding, responseId),
    ]
  },
  openStream: (call, output) => new ContentStreamReader(call, output),
  estimateInput(body, estimate) {
    // A mock of the SDK's own method is called with `config`, a request has its fields beside.
    const { contents, systemInstruction, tools, config } = body
    estimate.addStrings([contents, systemInstruction, tools, config?.systemInstruction])
  },
  estimateOutput: (response, estimate) => addCandidates(jsonObject(response).candidates, estimate),
}
