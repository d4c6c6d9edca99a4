/** Names that gateways give to a provider in paths and model names, where they differ from ours. */
const aliases: Readonly<Record<string, string>> = {
  // Cloudflare AI Gateway: https://developers.cloudflare.com/ai-gateway/providers/
  'google-ai-studio': 'google',
  'google-vertex-ai': 'vertex',
  'azure-openai': 'azure',
  'aws-bedrock': 'bedrock',
  'perplexity-ai': 'perplexity',
  grok: 'xai',
  compat: 'cloudflare',
  // LiteLLM: https://docs.litellm.ai/docs/providers
  gemini: 'google',
  vertex_ai: 'vertex',
  azure_ai: 'azure',
  together_ai: 'together',
  fireworks_ai: 'fireworks',
  moonshot: 'moonshotai',
  dashscope: 'alibaba',
  vercel_ai_gateway: 'vercel',
  litellm_proxy: 'litellm',
  // OpenRouter: https://openrouter.ai/models
  'x-ai': 'xai',
  'z-ai': 'zai',
  mistralai: 'mistral',
  'meta-llama': 'meta',
  // Hugging Face, whose names servers of open models use: https://huggingface.co/deepseek-ai
  'deepseek-ai': 'deepseek',
}

/** A provider's name as meters and prices know it. */
export function canonicalProvider(name: string): string {
  return Object.hasOwn(aliases, name) ? (aliases[name] as string) : name
}
