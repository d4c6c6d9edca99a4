import { again, type Pattern, started, unmetered } from './route.ts'

/**
 * Paths of servers that speak OpenAI's API and have more than it, or other things at the same paths, by
 * the provider's name. They come before OpenAI's own.
 */
export const relativeRoutes: Readonly<Record<string, readonly Pattern[]>> = {
  // https://docs.together.ai/reference
  together: [
    ['post', /^\/rerank$/, () => ({ kind: 'rerank' })],
    // Its jobs say when they are done, and not what they used.
    [
      'post',
      /^\/batches$/,
      unmetered("Together's batches", 'what they used is in their output file'),
    ],
    ['get', /^\/batches\/([^/]+)$/, 'free'],
    ['post', /^\/batches\/([^/]+)\/cancel$/, 'free'],
    [
      'post',
      /^\/evaluation$/,
      unmetered("Together's evaluations", 'their results do not say what they used'),
    ],
    [
      'post',
      /^\/fine-tunes$/,
      unmetered("Together's fine-tuning jobs", 'training has a price of its own'),
    ],
    [
      'post',
      /^\/tci\/execute$/,
      unmetered("Together's code interpreter sessions", 'they are billed by the session'),
    ],
  ],
  // https://docs.perplexity.ai/api-reference
  perplexity: [
    ['post', /^\/async\/chat\/completions$/, started('async.chat.completions')],
    ['get', /^\/async\/chat\/completions\/([^/]+)$/, again('async.chat.completions')],
    ['post', /^\/contextualizedembeddings$/, () => ({ kind: 'embeddings' })],
    ['post', /^\/search$/, () => ({ kind: 'search' })],
  ],
  // https://openrouter.ai/docs/api-reference
  openrouter: [
    ['post', /^\/rerank$/, () => ({ kind: 'rerank' })],
    ['post', /^\/images$/, () => ({ kind: 'images.generations' })],
  ],
  // https://docs.voyageai.com/reference
  voyage: [
    ['post', /^\/(?:multimodal|contextualized)embeddings$/, () => ({ kind: 'embeddings' })],
    ['post', /^\/rerank$/, () => ({ kind: 'rerank' })],
  ],
  // https://huggingface.co/docs/inference-providers
  huggingface: [
    [
      'post',
      /^(?:\/(?:hf-inference|fal-ai|replicate|wavespeed)|\/models)\/(?!.*\/chat\/completions$).+/,
      unmetered(
        "Hugging Face's tasks beside chat and embeddings",
        'they are billed by the time of compute',
      ),
    ],
  ],
  // https://replicate.com/docs/reference/http
  replicate: [
    [
      'post',
      /^\/(?:(?:models|deployments)\/[^/]+\/[^/]+\/)?predictions$/,
      unmetered(
        "Replicate's predictions",
        'they are billed by time: `metrics.predict_time` of a prediction says how long it ran',
      ),
    ],
    ['post', /\/trainings$/, unmetered("Replicate's trainings", 'they are billed by time')],
  ],
  // https://docs.fal.ai
  fal: [
    [
      'post',
      /^\/.+/,
      unmetered("fal's requests", 'each model has a unit of its own, which no answer says'),
    ],
  ],
}
