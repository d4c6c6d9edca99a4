/**
 * An OpenAI client by its shape, of any SDK major from 5 to 7: `OpenAI`, `AzureOpenAI`, and
 * subclasses of them. Never by class: an application can hold two copies of the SDK.
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
