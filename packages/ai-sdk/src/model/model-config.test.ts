import { expect, test } from 'vitest'
import { modelProvider } from './model-config.ts'

const model = (provider: string, config?: object) => ({
  specificationVersion: 'v4',
  modelId: 'm',
  provider,
  ...(config && { config }),
})

test.each([
  ['openai.chat', 'openai'],
  ['openai.responses', 'openai'],
  ['anthropic.messages', 'anthropic'],
  ['google.generative-ai', 'google'],
  ['google.vertex.chat', 'vertex'],
  ['vertex.anthropic.messages', 'vertex'],
  ['googleVertex.anthropic.messages', 'vertex'],
  ['amazon-bedrock', 'bedrock'],
  ['bedrock.anthropic.messages', 'bedrock'],
  ['azure.responses', 'azure'],
  ['azure-openai.chat', 'azure'],
  ['gateway', 'vercel'],
  ['vercel.chat', 'vercel'],
  ['openrouter', 'openrouter'],
  ['openrouter.chat', 'openrouter'],
  ['groq.chat', 'groq'],
  ['xai.responses', 'xai'],
  ['mistral.chat', 'mistral'],
  ['cohere.chat', 'cohere'],
  ['togetherai.chat', 'together'],
  ['fireworks.chat', 'fireworks'],
  ['moonshotai.chat', 'moonshotai'],
  ['perplexity', 'perplexity'],
  ['my-company.chat', 'my-company'],
  ['', 'unknown'],
])('%s is %s', (provider, name) => {
  expect(modelProvider(model(provider))).toBe(name)
})

test('the host says more than the package that was used', () => {
  const url = ({ path }: { path: string }) => `https://api.groq.com/openai/v1${path}`
  expect(modelProvider(model('openai.chat', { url }))).toBe('groq')
  const baseURL = 'https://api.deepseek.com/anthropic'
  expect(modelProvider(model('anthropic.messages', { baseURL }))).toBe('deepseek')
  const own = 'https://llm.internal.example/v1'
  expect(modelProvider(model('anthropic.messages', { baseURL: own }))).toBe('anthropic')
})

test('a configuration that cannot be asked says nothing', () => {
  const url = () => {
    throw new Error('no')
  }
  expect(modelProvider(model('openai.chat', { url }))).toBe('openai')
  expect(modelProvider(model('openai.chat', { url: () => 7 }))).toBe('openai')
})
