import {
  batchOf,
  type Call,
  type CallBounds,
  mediaOf,
  requestBounds,
  type RequestLimits,
  statedCount,
} from '@token-meter/core/wire'
import type { JobName } from './route.ts'

type Bounds = (body: Call['body'], call: Call) => CallBounds

/** How long the work of a job goes on before the provider lets it expire, in ms. */
const dayMs = 24 * 60 * 60 * 1000

/** Grok's system message, which a request has beside its own: some 700 tokens with the first Grok 4. */
const promptOfGrok = 2048

/**
 * The most that a chat completion can use. A model that reads the web by itself, of Perplexity or under such
 * a name at OpenAI, Groq or OpenRouter, is a tool of the server.
 */
export const chatBounds: Bounds = (body, call) =>
  requestBounds(body, ({ model, n, modalities, models, ...fields }) => ({
    ...ofServer(call),
    maxOutput: chatCap(fields, call.provider),
    answers: n,
    beyond: [
      (call.provider === 'perplexity' || /search|compound|:online/.test(String(model))) &&
        'server_tool',
      Array.isArray(modalities) && modalities.some((each) => each !== 'text') && 'media',
      fields.enable_search === true && 'server_tool',
      (String(model).startsWith('@preset/') || isSaid(fields.preset) || isSaid(fields.agent_id)) &&
        'prompt',
      isSaid(fields.thread_id) && 'history',
      // Another model may answer, at another price.
      Array.isArray(models) && models.length > 0 && 'unknown',
    ],
  }))

/** OpenAI's bodies have one of them; of both the larger may be the one that counts. */
function chatCap(fields: Call['body'], provider: string): number | undefined {
  const { max_completion_tokens: whole, max_tokens: older } = fields
  const caps = [whole, older].flatMap((cap) => statedCount(cap) ?? [])
  if (caps.length === 0) return undefined
  const cap = Math.max(...caps)
  switch (provider) {
    // Reasoning is counted beside the completion, and is not under its cap.
    case 'xai':
      return undefined
    // Nor is it here, where it has one of its own.
    case 'alibaba': {
      const { enable_thinking: thinks, thinking_budget: budget } = fields
      if (thinks === false) return cap
      return typeof budget === 'number' ? cap + budget : undefined
    }
    default:
      return cap
  }
}

/** What is so of all requests to a server. */
function ofServer({ provider }: Call): RequestLimits {
  // Of the models since GPT-5.6, writes of the cache cost more, and are made unasked.
  if (provider === 'openai' || provider === 'azure') return { cacheWrites: true }
  return provider === 'xai' ? { added: promptOfGrok } : {}
}

/** https://platform.openai.com/docs/api-reference/completions/create */
const defaultCompletion = 16

/** The most that a completion of the legacy form can use: each prompt of a list has answers of its own. */
export const completionBounds: Bounds = (body, call) =>
  requestBounds(body, ({ prompt, max_tokens: cap, n, best_of: best }) => ({
    ...ofServer(call),
    maxOutput: cap ?? (isOpenai(call) ? defaultCompletion : undefined),
    answers: Math.max(countOf(n), countOf(best)) * prompts(prompt),
    tokens: ['prompt', 'input_ids'],
  }))

function isOpenai({ provider }: Call): boolean {
  return provider === 'openai' || provider === 'azure'
}

/** How many texts a field has. */
function prompts(prompt: unknown): number {
  // A list of numbers is one prompt, in tokens.
  return Array.isArray(prompt) && typeof prompt[0] !== 'number' ? Math.max(prompt.length, 1) : 1
}

function countOf(value: unknown): number {
  return Math.max(statedCount(value) ?? 1, 1)
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}

/** The most that a response can use. One in the background can be asked for during a day. */
export const responseBounds: Bounds = (body, call) =>
  requestBounds(body, ({ max_output_tokens: cap, prompt, background }) => ({
    ...ofServer(call),
    maxOutput: cap,
    beyond: [isSaid(prompt) && 'prompt'],
    jobForMs: background === true ? dayMs : undefined,
  }))

/** The most that decisions can use: they are a few words each, and have no cap. */
export const decisionBounds: Bounds = (body, call) => requestBounds(body, () => ofServer(call))

/**
 * The most that vectors or judgements of texts can use: nothing is written. Some models are given an
 * instruction with each text.
 */
export const inputBounds: Bounds = (body) =>
  requestBounds(body, ({ input, inputs, texts }) => ({
    added:
      perText * [input, inputs, texts].filter(isSaid).reduce((sum, each) => sum + prompts(each), 0),
    tokens: ['input', 'input_ids'],
    noOutput: true,
  }))

/** Voyage's instructions, the longest that are documented, have 11 tokens. */
const perText = 32

/** The most that ranking can use: each document is read together with the query. */
export const rerankBounds: Bounds = (body) => {
  const bounds = requestBounds(body, () => ({ noOutput: true }))
  const { query, documents } = body
  const times = prompts(documents) - 1
  const again = typeof query === 'string' ? requestBounds({ query }, () => ({})) : undefined
  return { ...bounds, inputBytes: bounds.inputBytes + times * (again?.inputBytes ?? 0) }
}

/** Searches are billed by the request. */
export const searchBounds: Bounds = (body) =>
  requestBounds(body, () => ({ beyond: ['server_tool'], noOutput: true }))

/** Images have a price by their size and quality, in tokens or by the piece. */
export const imageBounds: Bounds = (body) => mediaOf(body, { answers: body.n })

/** Sound has a price by its length, in tokens, in seconds or by the letter. */
export const audioBounds: Bounds = (body) => mediaOf(body)

/** What judges other models' answers: which models, and how often, its definition says. */
export const graderBounds: Bounds = (body) => requestBounds(body, () => ({ beyond: ['unknown'] }))

/** What a job of each kind can use, before it is known what it will do. */
export const jobBounds: Readonly<Record<JobName, Bounds>> = {
  batches: () => batchOf([], dayMs),
  // https://platform.openai.com/docs/assistants/deep-dive: a run expires ten minutes after its creation.
  'threads.runs': (body) =>
    requestBounds(body, (fields) => ({
      maxOutput: fields.max_completion_tokens,
      beyond: ['history', 'prompt'],
      jobForMs: 10 * 60 * 1000,
    })),
  'evals.runs': (body) =>
    requestBounds(body, () => ({ beyond: ['file', 'unknown'], jobForMs: dayMs })),
  videos: (body) => mediaOf(body, { jobForMs: dayMs }),
  'async.chat.completions'(body, call) {
    const { request } = body
    const bounds = chatBounds(typeof request === 'object' && request ? request : body, call)
    return {
      ...bounds,
      beyond: [...new Set([...bounds.beyond, 'server_tool' as const])],
      jobForMs: dayMs,
    }
  },
}
