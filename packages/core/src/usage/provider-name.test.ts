import { describe, expect, test } from 'vitest'
import { providerName } from './provider-name.ts'

describe('providerName', () => {
  test.each([
    ['https://api.openai.com/v1', 'openai'],
    ['https://constructor.helicone.ai/v1', 'helicone'],
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
    ['http://localhost:4000', 'litellm'],
    ['http://0.0.0.0:4000/v1', 'litellm'],
    ['http://litellm:8080/v1', 'litellm'],
    ['https://litellm-proxy.internal.example/v1', 'litellm'],
    ['https://api.anthropic.com/v1/', 'anthropic'],
    [
      'https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/l/endpoints/openapi',
      'vertex',
    ],
    [
      'https://aiplatform.googleapis.com/v1/projects/p/locations/global/endpoints/openapi',
      'vertex',
    ],
    ['https://aiplatform.eu.rep.googleapis.com/v1/projects/p', 'vertex'],
    ['https://bedrock-runtime.us-west-2.amazonaws.com/openai/v1', 'bedrock'],
    ['https://bedrock-mantle.us-east-1.api.aws/v1', 'bedrock'],
    ['https://vpce-1.bedrock-runtime.us-east-1.vpce.amazonaws.com/openai/v1', 'bedrock'],
    ['https://api.cloudflare.com/client/v4/accounts/a/ai/v1', 'workers-ai'],
    ['https://llm.stripe.com', 'stripe'],
    ['https://api.portkey.ai/v1', 'portkey'],
  ])('%s is %s', (url, name) => {
    expect(providerName(url, 'fallback')).toBe(name)
  })

  test.each([
    ['https://gateway.ai.cloudflare.com/v1/acc/gw/openai', 'openai'],
    ['https://gateway.ai.cloudflare.com/v1/acc/gw/anthropic', 'anthropic'],
    ['https://gateway.ai.cloudflare.com/v1/acc/gw/grok/v1', 'xai'],
    ['https://gateway.ai.cloudflare.com/v1/acc/gw/google-ai-studio', 'google'],
    ['https://gateway.ai.cloudflare.com/v1/acc/gw/azure-openai/res/dep', 'azure'],
    ['https://gateway.ai.cloudflare.com/v1/acc/gw/compat', 'cloudflare'],
    ['https://gateway.ai.cloudflare.com/v1/acc/gw', 'cloudflare'],
    ['https://gateway.smith.langchain.com/openai/v1', 'openai'],
    ['https://gateway.smith.langchain.com/anthropic', 'anthropic'],
    ['https://gateway.smith.langchain.com', 'langsmith'],
    ['https://oai.helicone.ai/v1', 'openai'],
    ['https://oai.hconeai.com/v1', 'openai'],
    ['https://anthropic.helicone.ai', 'anthropic'],
    ['https://groq.helicone.ai/openai/v1', 'groq'],
    ['https://ai-gateway.helicone.ai/v1', 'helicone'],
    ['https://gateway.helicone.ai/v1', 'helicone'],
  ])('the gateway %s passes on to %s', (url, name) => {
    expect(providerName(url, 'fallback')).toBe(name)
  })

  test('another base URL is looked up anew', () => {
    expect(providerName('https://api.groq.com/v1', 'fallback')).toBe('groq')
    expect(providerName('https://llm.internal.example/v1', 'fallback')).toBe('fallback')
    expect(providerName('https://llm.internal.example/v1', 'anthropic')).toBe('anthropic')
    expect(providerName('https://api.groq.com/v1', 'fallback')).toBe('groq')
  })

  test.each([
    'https://my-proxy-1234.us-east-1.elb.amazonaws.com/v1',
    'https://ai-gateway.vercel.sh.example/v1',
    'http://127.0.0.1:8000/v1',
    'https://llm.internal.example/v1',
    'https://notopenai.com.example/v1',
    // Of LangSmith only the gateway asks models.
    'https://api.smith.langchain.com/openai',
    'https://fakex.ai/v1',
    'not a url',
    '',
  ])('%s is what the SDK is made for', (url) => {
    expect(providerName(url, 'fallback')).toBe('fallback')
  })
})
