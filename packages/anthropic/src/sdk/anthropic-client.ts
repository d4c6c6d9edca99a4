/**
 * An Anthropic client by its shape, from SDK 0.60 to 1.x: `Anthropic`, `AnthropicBedrock`,
 * `AnthropicVertex`, `AnthropicFoundry`, `AnthropicAws`, and subclasses of them. Never by class: an
 * application can hold two copies of the SDK.
 */
export interface AnthropicClient {
  baseURL: string
  messages: object
  post(path: string, ...rest: never[]): unknown
}

/** True for what has the shape of an Anthropic client. */
export function isAnthropicClient(client: object): client is AnthropicClient {
  const { baseURL, messages, post } = client as {
    baseURL?: unknown
    messages?: { create?: unknown; stream?: unknown } | null
    post?: unknown
  }
  return (
    typeof post === 'function' &&
    typeof baseURL === 'string' &&
    typeof messages?.create === 'function' &&
    typeof messages.stream === 'function'
  )
}

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
