import { expect, test } from 'vitest'
import { operationName, providerName } from './record-attributes.ts'

test.each([
  ['chat.completions', 'chat'],
  ['responses', 'chat'],
  ['messages', 'chat'],
  ['completions', 'text_completion'],
  ['embeddings', 'embeddings'],
  ['embedContent', 'embeddings'],
  ['generateContent', 'generate_content'],
  ['languageModel', 'chat'],
  ['images.generations', 'generate_content'],
  ['batches', 'batches'],
  ['manual', 'manual'],
  ['constructor', 'constructor'],
])('%s is the operation %s', (endpoint, operation) => {
  expect(operationName(endpoint)).toBe(operation)
})

test.each([
  ['openai', 'openai', 'openai'],
  ['azure', 'azure.ai.openai', 'azure.ai.openai'],
  ['bedrock', 'aws.bedrock', 'aws.bedrock'],
  ['vertex', 'gcp.vertex_ai', 'gcp.vertex_ai'],
  ['google', 'gcp.gemini', 'gcp.gemini'],
  ['xai', 'x_ai', 'xai'],
  ['mistral', 'mistral_ai', 'mistral_ai'],
  ['moonshotai', 'moonshot_ai', 'moonshotai'],
  ['together', 'together', 'together'],
  ['toString', 'toString', 'toString'],
])('%s is the provider %s, and was %s', (provider, name, nameOf136) => {
  expect(providerName(provider, '1.41')).toBe(name)
  expect(providerName(provider, 'latest')).toBe(name)
  expect(providerName(provider, '1.36')).toBe(nameOf136)
})
