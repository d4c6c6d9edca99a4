import { describe, expect, test } from 'vitest'
import { providerName } from './provider-name.ts'

describe('providerName', () => {
  test.each([
    ['https://api.openai.com/v1', 'openai'],
    ['https://eu.api.openai.com/v1', 'openai'],
    ['https://my.openai.azure.com/openai/v1', 'azure'],
    ['https://my.services.ai.azure.com/openai/v1', 'azure'],
    ['https://openrouter.ai/api/v1', 'openrouter'],
    ['https://api.groq.com/openai/v1', 'groq'],
    ['https://api.x.ai/v1', 'xai'],
    ['https://ai-gateway.vercel.sh/v1', 'vercel'],
    ['https://generativelanguage.googleapis.com/v1beta/openai/', 'google'],
    ['https://dashscope-intl.aliyuncs.com/compatible-mode/v1', 'alibaba'],
    ['http://localhost:11434/v1', 'ollama'],
    ['http://127.0.0.1:1234/v1', 'lmstudio'],
  ])('%s is %s', (url, name) => {
    expect(providerName(url, 'fallback')).toBe(name)
  })

  test.each([
    'http://127.0.0.1:8000/v1',
    'https://llm.internal.example/v1',
    'https://notopenai.com.example/v1',
    'https://fakex.ai/v1',
    'not a url',
    '',
  ])('%s is what the SDK is made for', (url) => {
    expect(providerName(url, 'fallback')).toBe('fallback')
  })
})
