import {
  type Call,
  type CallBounds,
  jsonObject,
  mediaOf,
  requestBounds,
} from '@token-meter/core/wire'

type Bounds = (body: Call['body'], call: Call) => CallBounds

/** Of the arguments of a method what a model is given: beside it stand headers and signals. */
function given(body: Call['body'], names: readonly string[]): Call['body'] {
  return Object.fromEntries(names.map((name) => [name, body[name]]))
}

/** The providers of the AI SDK ask some models for JSON by a tool. */
const forJson = 1024

/** The most that one step of a language model can use. */
export const languageBounds: Bounds = (body, { provider }) => {
  const { maxOutputTokens: cap, responseFormat, providerOptions, prompt, model } = body
  const options = Object.values(jsonObject(providerOptions)).map(jsonObject)
  const isServerTool = provider === 'perplexity' || /search|compound|:online/.test(String(model))
  return requestBounds(
    given(body, ['prompt', 'tools', 'toolChoice', 'responseFormat', 'providerOptions']),
    () => ({
      maxOutput: countsBeside.has(provider) ? undefined : capOf(cap, options),
      added: jsonObject(responseFormat).type === 'json' ? forJson : 0,
      beyond: [
        isServerTool && 'server_tool',
        isKept(prompt) && 'history',
        options.some(({ prompt: stored }) => (stored ?? '') !== '') && 'prompt',
      ],
      cacheWrites: provider === 'openai' || provider === 'azure',
    }),
  )
}

/** Whose reasoning is not under the cap of the answer. */
const countsBeside: ReadonlySet<string> = new Set(['xai', 'alibaba'])

type Fields = Readonly<Record<string, unknown>>

/** Of Claude the AI SDK adds the budget of its thinking to the cap; of OpenAI an option goes before it. */
function capOf(cap: unknown, options: readonly Fields[]): unknown {
  const own = options.map(({ maxCompletionTokens }) => maxCompletionTokens).find(isNumber)
  if (own !== undefined) return own
  if (!isNumber(cap)) return undefined
  const budgets = options.map(({ thinking, reasoningConfig }) => {
    return jsonObject(thinking ?? reasoningConfig).budgetTokens
  })
  return cap + budgets.filter(isNumber).reduce((sum, budget) => sum + budget, 0)
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number'
}

/** Thoughts of before that OpenAI keeps: the prompt has no more of them than their names. */
function isKept(prompt: unknown): boolean {
  const parts = (Array.isArray(prompt) ? (prompt as unknown[]) : []).flatMap((message) => {
    const { content } = jsonObject(message)
    return Array.isArray(content) ? (content as unknown[]).map(jsonObject) : []
  })
  return parts.some(({ type, providerOptions }) => {
    if (type !== 'reasoning') return false
    const options = Object.values(jsonObject(providerOptions)).map(jsonObject)
    return options.some(
      ({ itemId, reasoningEncryptedContent: cipher }) => (itemId ?? '') !== '' && !cipher,
    )
  })
}

/** The most that vectors of texts can use: nothing is written. */
export const embeddingBounds: Bounds = (body) =>
  requestBounds(given(body, ['values', 'providerOptions']), ({ values }) => ({
    added: 32 * (Array.isArray(values) ? values.length : 0),
    noOutput: true,
  }))

/** Images have a price by their size and quality, in tokens or by the piece. */
export const imageBounds: Bounds = (body) =>
  mediaOf(given(body, ['prompt', 'files', 'providerOptions']), { answers: body.n })

/** Sound has a price by its length, in tokens, in seconds or by the letter. */
export const audioBounds: Bounds = (body) =>
  mediaOf(given(body, ['text', 'instructions', 'providerOptions']))

/** The most that answers to given questions can use. */
export const questionBounds: Bounds = (body) =>
  requestBounds(given(body, ['state', 'questions', 'fields', 'providerOptions']), () => ({}))
