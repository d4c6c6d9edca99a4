/**
 * An OpenAI client by its shape, of any SDK major from 4 to 7: `OpenAI`, `AzureOpenAI`, and
 * subclasses of them. Never by class: an application can hold two copies of the SDK.
 */
export interface OpenAIClient {
  baseURL: string
  chat: { completions: object }
  post(path: string, ...rest: never[]): unknown
}

/** True for what has the shape of an OpenAI client. */
export function isOpenAIClient(client: object): client is OpenAIClient {
  const { baseURL, chat, post } = client as Partial<OpenAIClient>
  return (
    typeof post === 'function' &&
    typeof baseURL === 'string' &&
    typeof chat?.completions === 'object'
  )
}
