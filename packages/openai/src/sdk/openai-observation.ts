import {
  type CallObserver,
  ClientObservation,
  type ClientOptions,
  type ObservedCall,
  type RequestOptions,
} from '@token-meter/core/adapter'
import { type Endpoint, requestBody, type WireOperation } from '@token-meter/core/wire'
import { openaiJobsWire } from '../wire/jobs/protocol.ts'
import { endpoints } from '../wire/protocol.ts'
import type { OneShot } from '../wire/route.ts'
import { type OpenAIClient, vendorOfClient } from './openai-client.ts'
import { hookRequests, withRewrite } from './request-hooks.ts'

/** Resource methods that a mock or another wrapper may stand in for, with what they would request. */
const replaceable: Readonly<Record<string, OneShot>> = {
  'chat.completions.create': 'chat.completions',
  'chat.completions.parse': 'chat.completions',
  'completions.create': 'completions',
  'embeddings.create': 'embeddings',
  'responses.create': 'responses',
  'responses.parse': 'responses',
  'responses.compact': 'responses.compact',
  'images.generate': 'images.generations',
  'images.edit': 'images.edits',
  'images.createVariation': 'images.variations',
  'audio.transcriptions.create': 'audio.transcriptions',
  'audio.translations.create': 'audio.translations',
  'audio.speech.create': 'audio.speech',
  'decisions.create': 'decisions',
  'rerank.create': 'rerank',
  'search.create': 'search',
}

/** Observes the requests of one metered client. */
export class OpenAIObservation extends ClientObservation<OpenAIClient> {
  constructor(observer: CallObserver, options: ClientOptions) {
    super(openaiJobsWire, observer, options)
  }

  protected replacedEndpoint(path: string): Endpoint | undefined {
    const kind = replaceable[path]
    return kind === undefined ? undefined : endpoints[kind]
  }

  /** The vendor's own classes say what a host behind a company proxy does not. */
  protected override vendorOf(client: OpenAIClient): string {
    return vendorOfClient(client)
  }

  protected override apiVersionOf(client: OpenAIClient): string | undefined {
    return (client as OpenAIClient & { apiVersion?: string }).apiVersion
  }

  /** The SDK keeps the model beside some forms, of which nothing else can be read. */
  protected override bodyOf(options: UploadOptions | undefined): unknown {
    const model = options?.__metadata?.model
    if (typeof model !== 'string') return options?.body
    const fields = requestBody(options?.body)
    return 'model' in fields ? fields : { model }
  }

  protected override startsLater(client: OpenAIClient, operation: WireOperation | undefined): void {
    if (operation === undefined || operation.endpoint.name.endsWith('completions')) {
      hookRequests(client)
    }
  }

  protected override sends(
    client: OpenAIClient,
    { rewrite }: ObservedCall,
    options: RequestOptions | undefined,
  ): RequestOptions | undefined {
    if (rewrite === undefined || options === undefined) return options
    hookRequests(client)
    return withRewrite(options, rewrite)
  }
}

interface UploadOptions extends RequestOptions {
  readonly __metadata?: { readonly model?: unknown }
}
