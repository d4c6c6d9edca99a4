/** Families of models by how their names begin. Only what no other creator uses. */
const families: readonly (readonly [beginning: RegExp, creator: string])[] = [
  [/^(?:gpt-|chatgpt-|o[1-9](?:-|$)|text-embedding-(?:3|ada)|codex-|dall-e-)/, 'openai'],
  [/^claude-/, 'anthropic'],
  [/^(?:gemini-|gemma-)/, 'google'],
  [/^grok-/, 'xai'],
  [/^(?:mistral|ministral|magistral|codestral|devstral|pixtral|mixtral)-/, 'mistral'],
  [/^deepseek-/, 'deepseek'],
  [/^llama-/, 'meta'],
  [/^kimi-/, 'moonshotai'],
  [/^glm-/, 'zai'],
  [/^sonar(?:-|$)/, 'perplexity'],
  [/^command-/, 'cohere'],
]

/** Who made a model, by its bare name in lower case; `undefined` where the name does not say. */
export function modelCreator(model: string): string | undefined {
  return families.find(([beginning]) => beginning.test(model))?.[1]
}
