import { type Call, type Endpoint, providerName } from '@token-meter/core/wire'
import {
  type CallObserver,
  type ClientOptions,
  contextCustomer,
  type ObservedCall,
  runWithCustomer,
} from '@token-meter/core/adapter'
import type { OpenAISocket } from './openai-socket.ts'

/** Who pays for what a socket uses, and who is told. */
export class SocketAccount {
  readonly provider: string
  /** The model that the url names. */
  readonly model: string | undefined
  /** What the connection is attached to, where others may be attached to the same. */
  readonly callId: string | undefined
  readonly #observer: CallObserver
  readonly #context: string | undefined

  constructor({ url }: OpenAISocket, observer: CallObserver, options: ClientOptions) {
    const query = url.searchParams
    // Azure's older urls name a deployment where others name a model.
    const fallback = query.has('api-version') ? 'azure' : 'openai'
    this.provider = options.provider ?? providerName(url.href, fallback)
    this.model = query.get('model') ?? query.get('deployment') ?? undefined
    this.callId = query.get('call_id') ?? undefined
    this.#observer = observer
    // Events arrive in the context of the connection, which may be anyone's: this one is meant.
    this.#context = contextCustomer()
  }

  /** Something that is billed has begun. It cannot be refused any more, so that it never is. */
  begin(endpoint: Endpoint, body: Call['body']): ObservedCall {
    const call = { provider: this.provider, endpoint: endpoint.name, method: 'GET', body }
    const begin = () => this.#observer.begin(call, endpoint, { free: true })
    return this.#context === undefined ? begin() : runWithCustomer(this.#context, begin)
  }

  fault(what: string, cause?: unknown): void {
    this.#observer.fault(what, cause)
  }
}
