import { modelSlug, type ModelSlug } from '@token-meter/core/sink'

/** Creators whose models Metronome prices by itself, whoever serves them. */
const pricedCreators = ['openai/', 'anthropic/', 'google/']

/**
 * The slug of an event's `model`. Metronome has the server in a property of its own, `provider`, and
 * rates by author, provider and token type. So a model of a well-known creator is written the same
 * wherever it runs: `anthropic/claude-sonnet-4.5` on Bedrock too. Others are core's `modelSlug`.
 */
export const metronomeModelSlug: ModelSlug = (provider, model) => {
  // A gateway's models are written as their creators'.
  const ofCreator = modelSlug('openrouter', model)
  return pricedCreators.some((creator) => ofCreator.startsWith(creator))
    ? ofCreator
    : modelSlug(provider, model)
}
