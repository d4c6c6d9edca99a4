import {
  type Call,
  type CallBounds,
  jsonObject,
  mediaOf,
  requestBounds,
  statedCount,
} from '@token-meter/core/wire'

type Bounds = (body: Call['body']) => CallBounds

/** The most that an answer of Converse can use. */
export const converseBounds: Bounds = (body) =>
  requestBounds(body, ({ model, inferenceConfig, additionalModelRequestFields: more }) => {
    const { thinking, reasoning_config: reasoning, reasoningConfig } = jsonObject(more)
    const cap = jsonObject(inferenceConfig).maxTokens ?? jsonObject(more).max_tokens
    const budget = jsonObject(thinking ?? reasoning ?? reasoningConfig).budget_tokens
    return { maxOutput: withThinking(cap, budget), beyond: [isStored(model) && 'prompt'] }
  })

/** A prompt of Bedrock's prompt management, which is asked as a model is. */
function isStored(model: unknown): boolean {
  return /:prompt\//.test(String(model))
}

/** Claude's thinking between the calls of tools is no part of the cap where its budget is larger. */
function withThinking(stated: unknown, ofThinking: unknown): number | undefined {
  const cap = statedCount(stated)
  const budget = statedCount(ofThinking)
  return cap === undefined || budget === undefined || budget < cap ? cap : cap + budget
}

/**
 * The most that an answer of InvokeModel can use, whose body has the shape of the model's maker. Each field
 * that is read has one meaning, whoever writes it.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html
 */
export const invokeBounds: Bounds = (body) => {
  const { model } = body
  if (byPiece.test(String(model))) return mediaOf(body)
  return requestBounds(body, (fields) => ({
    maxOutput: withThinking(capOf(fields), jsonObject(fields.thinking).budget_tokens),
    answers: fields.num_generations ?? fields.numResults ?? fields.n,
    beyond: [
      isStored(model) && 'prompt',
      // It is billed by the search.
      /rerank/i.test(String(model)) && 'unknown',
    ],
    noOutput: /embed|rerank/i.test(String(model)),
  }))
}

const byPiece = /stability\.|-canvas|-reel|image-generator|luma\./

/** Which of several counts, only its model knows: the largest does not hold too little. */
function capOf(fields: Call['body']): number | undefined {
  const { maxTokens, max_new_tokens } = jsonObject(fields.inferenceConfig)
  const caps = [
    fields.max_completion_tokens,
    fields.max_tokens,
    fields.max_tokens_to_sample,
    fields.max_gen_len,
    maxTokens,
    max_new_tokens,
    jsonObject(fields.textGenerationConfig).maxTokenCount,
    fields.maxTokens,
  ].flatMap((cap) => statedCount(cap) ?? [])
  return caps.length === 0 ? undefined : Math.max(...caps)
}

/** A conversation of speech goes on for as long as its session, and says its cap inside of it. */
export const sessionBounds: Bounds = (body) => mediaOf(body, { beyond: ['history'] })

/** Guardrails are billed by units of text. */
export const guardrailBounds: Bounds = (body) =>
  requestBounds(body, () => ({ beyond: ['unknown'], noOutput: true }))
