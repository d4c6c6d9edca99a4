/**
 * An OpenAI client by its shape, of any SDK major from 5 to 7: `OpenAI`, `AzureOpenAI`, and
 * subclasses of them; or one that the same generator made for a provider with the same API: `Groq`,
 * `Together`, `Cerebras`, `Perplexity`. Never by class: an application can hold two copies of the SDK.
 */
export interface OpenAIClient {
  baseURL: string
  chat: { completions: object }
  post(path: string, ...rest: never[]): unknown
}

/** True for what has the shape of an OpenAI client. */
export function isOpenAIClient(client: object): client is OpenAIClient {
  const { baseURL, chat } = client as Partial<OpenAIClient>
  return (
    (hasPost(client) || copiedClient(client) !== undefined) &&
    typeof baseURL === 'string' &&
    typeof chat?.completions === 'object'
  )
}

/**
 * The client inside a copy of its properties, which has lost the methods of its class: LangSmith's
 * `wrapOpenAI` answers `{ ...client }` with traced resources.
 */
export function copiedClient(client: object): object | undefined {
  if (hasPost(client)) return undefined
  // Protected, and so no part of the type.
  const inside = (client as { chat?: { _client?: object } }).chat?._client
  return typeof inside === 'object' && inside !== null && hasPost(inside) ? inside : undefined
}

function hasPost(client: object): boolean {
  return typeof (client as Partial<OpenAIClient>).post === 'function'
}

/** The error class of its own that each SDK of the generator has on its client's class. */
const vendors: Readonly<Record<string, string>> = {
  GroqError: 'groq',
  TogetherError: 'together',
  CerebrasError: 'cerebras',
  PerplexityError: 'perplexity',
}

/**
 * Whose API the SDK of a client is made for: who serves it where its host says nothing, such as a
 * proxy of the application's own. Subclasses have the statics of their class.
 */
export function vendorOfClient(client: object): string {
  const own = copiedClient(client) ?? client
  if ('apiVersion' in own) return 'azure'
  if ('bedrockTokenProvider' in own) return 'bedrock'
  const { constructor: made } = own
  const name = Object.keys(vendors).find((name) => typeof made === 'function' && name in made)
  return vendors[name ?? ''] ?? 'openai'
}
