import {
  batchOf,
  type Call,
  type CallBounds,
  jsonObject,
  mediaOf,
  requestBounds,
} from '@token-meter/core/wire'

/**
 * The most that an answer of generateContent can use. Thoughts are under its cap:
 * https://github.com/googleapis/python-genai/issues/2062
 */
export function contentBounds(body: Call['body']): CallBounds {
  return requestBounds(body, ({ generationConfig, config }) => {
    // A mock of the SDK's own method is called with `config`, a request has its fields beside.
    const fields = { ...jsonObject(config), ...jsonObject(generationConfig) }
    return {
      maxOutput: fields.maxOutputTokens ?? fields.max_output_tokens,
      answers: fields.candidateCount ?? fields.candidate_count,
      beyond: [saysMedia(fields.responseModalities ?? fields.response_modalities) && 'media'],
    }
  })
}

function saysMedia(modalities: unknown): boolean {
  return Array.isArray(modalities) && modalities.some((each) => !/^text$/i.test(String(each)))
}

/** The most that vectors of texts can use: nothing is written. */
export function embedBounds(body: Call['body']): CallBounds {
  return requestBounds(body, () => ({ noOutput: true }))
}

/** Images have a price by the piece. */
export function imageBounds(body: Call['body']): CallBounds {
  return mediaOf(body, { answers: jsonObject(body.parameters).sampleCount })
}

/** Videos have a price by the second. Google keeps an operation for two days. */
export function videoBounds(body: Call['body']): CallBounds {
  return mediaOf(body, {
    answers: jsonObject(body.parameters).sampleCount,
    jobForMs: 2 * dayMs,
  })
}

const dayMs = 24 * 60 * 60 * 1000

/** The most that the requests of a batch can use, which has two days at most: some wait that long. */
export function batchBounds({ model, batch }: Call['body']): CallBounds {
  const { inputConfig, input_config: config } = jsonObject(batch)
  const { requests } = jsonObject(inputConfig ?? config)
  const inlined = jsonObject(requests).requests ?? requests
  const all = Array.isArray(inlined) ? (inlined as unknown[]) : []
  return batchOf(
    all.map((each) => {
      const request = { model, ...jsonObject(jsonObject(each).request ?? each) }
      return 'content' in request ? embedBounds(request) : contentBounds(request)
    }),
    2 * dayMs,
  )
}

/** The most that an interaction can use. Agents work with tools and a model of their own. */
export function interactionBounds(body: Call['body']): CallBounds {
  return requestBounds(body, (fields) => {
    const { agent, background, generation_config: config, response_modalities: modalities } = fields
    return {
      maxOutput: jsonObject(config).max_output_tokens,
      beyond: [(agent ?? '') !== '' && 'server_tool', saysMedia(modalities) && 'media'],
      jobForMs: background === true ? dayMs : undefined,
    }
  })
}

/** A turn of a live session reads all that was said before it, most of it as sound. */
export function liveBounds(body: Call['body']): CallBounds {
  return mediaOf(body, { beyond: ['history'] })
}
