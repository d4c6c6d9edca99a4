import type { AnthropicClient } from './anthropic-client.ts'

/**
 * Who serves a client whose base URL is a proxy of one's own, by what only its class has. Claude on
 * AWS (`AnthropicAws`) is Anthropic's own service with its own models and prices, so it is
 * `anthropic`; Foundry is `azure`, the name of its hosts.
 */
export function platformOf(client: AnthropicClient): string {
  if ('awsRegion' in client) return 'workspaceId' in client ? 'anthropic' : 'bedrock'
  if ('projectId' in client && 'region' in client) return 'vertex'
  if ('resource' in client) return 'azure'
  return 'anthropic'
}
