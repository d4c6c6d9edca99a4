/**
 * A client of `@google/genai` by its shape, of any SDK major from 1 to 3, for the Gemini API or
 * Vertex AI, and subclasses of it. Never by class: an application can hold two copies of the SDK.
 */
export interface GoogleClient {
  readonly models: { generateContent(...args: never[]): unknown }
  readonly chats: object
  readonly batches: object
}

/** What the SDK keeps inside its client and gives to all its modules. */
export interface ApiClient {
  request(request: ApiRequest): Promise<ApiResponse>
  requestStream(request: ApiRequest): Promise<AsyncGenerator<ApiResponse>>
  isVertexAI(): boolean
  getBaseUrl?(): string | undefined
  /** From SDK 2 on. */
  getFetch?(): typeof fetch | undefined
}

/** A request as the SDK's modules give it to its API client. */
export interface ApiRequest {
  readonly path: string
  readonly httpMethod: string
  /** Serialised. */
  readonly body?: unknown
  readonly abortSignal?: AbortSignal
}

/** What the SDK makes of a response, or of one event of a stream. */
export interface ApiResponse {
  json(): Promise<unknown>
  readonly headers?: unknown
  readonly responseInternal?: Response
}

/** True for what has the shape of a Google client. */
export function isGoogleClient(client: object): client is GoogleClient {
  const { models, apiClient } = client as {
    models?: Partial<GoogleClient['models']>
    apiClient?: Partial<ApiClient>
  }
  return typeof models?.generateContent === 'function' && typeof apiClient?.request === 'function'
}

/** The API client inside, which the SDK's types hide. */
export function apiClientOf(client: object): ApiClient {
  return (client as { apiClient: ApiClient }).apiClient
}
