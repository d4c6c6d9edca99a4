import {
  AnswerScope,
  bodySnapshot,
  type CallObserver,
  type ClientOptions,
  GatewayBillingWatch,
  guarded,
  isOfGateway,
  isPromise,
  type ObservedCall,
  StreamObservation,
  untilAdmitted,
} from '@token-meter/core/adapter'
import { type Call, jsonObject } from '@token-meter/core/wire'
import { httpHeaders } from '@token-meter/core/adapter'
import { endpointOf } from '../endpoint/endpoints.ts'
import { languageModelHidingRaw } from '../endpoint/language-model.ts'
import { needsRawEvents, withRawEvents } from '../endpoint/raw-events.ts'
import { answeredError } from '../usage/answer.ts'
import type { AiSdkModel } from './ai-sdk-client.ts'
import { CallScope } from './call-scope.ts'
import { kindOfCall } from './methods.ts'
import { modelBaseUrl, modelHeaders, modelProvider } from './model-config.ts'
import { ModelStreamWatch, observeModelStream } from './model-stream.ts'

type Method = (...args: unknown[]) => unknown

/** Said once: an application that uses them would hear nothing else. */
const reportedKinds = new Set<string>()

/** Observes the calls of one metered model. */
export class ModelObservation {
  readonly #model: AiSdkModel
  readonly #observer: CallObserver
  readonly #provider: string
  readonly #baseUrl: string | undefined
  readonly #billingWatch: GatewayBillingWatch
  #ownHeadersSeen = false

  constructor(model: AiSdkModel, observer: CallObserver, options: ClientOptions) {
    this.#model = model
    this.#observer = observer
    this.#baseUrl = modelBaseUrl(model)
    this.#provider = options.provider ?? modelProvider(model, this.#baseUrl)
    this.#billingWatch = new GatewayBillingWatch(observer)
  }

  /**
   * A call of one of the model's methods.
   * @returns what the caller gets.
   */
  call(method: string, original: Method, args: unknown[]): unknown {
    let observed: ObservedCall | undefined
    try {
      observed = this.#begin(method, jsonObject(args[0]))
    } catch (refusal) {
      // As an error of the API is: these methods never throw.
      return Promise.reject(refusal as Error)
    }
    if (observed === undefined) return Reflect.apply(original, this.#model, args)
    const call = observed
    const scope = new CallScope()
    const sent = call.endpoint === languageModelHidingRaw ? withRawEvents(args) : args
    // What a metered `fetch` of the model sees inside is the same answer.
    const answers = AnswerScope.open()
    const apply = () => scope.run(() => Reflect.apply(original, this.#model, [...sent]))
    const send = () => (answers === undefined ? apply() : answers.run(apply))
    const abortSignal = jsonObject(args[0]).abortSignal as AbortSignal | undefined
    const answer =
      call.admission === undefined ? send() : untilAdmitted(call, abortSignal).then(send)
    const isAborted = () => abortSignal?.aborted === true
    const onAnswer = (result: unknown) => {
      answers?.takeAnswer(jsonObject(jsonObject(result).response).headers)
      answers?.close()
      return this.#observe(result, call, scope, isAborted)
    }
    const failed = (error: unknown) => {
      if (answeredError(error)?.body !== undefined) {
        answers?.takeAnswer(jsonObject(error).responseHeaders)
      }
      answers?.close()
      return onError(error, call, scope)
    }
    return isPromise(answer) ? answer.then(onAnswer, failed) : onAnswer(answer)
  }

  #begin(method: string, options: Readonly<Record<string, unknown>>): ObservedCall | undefined {
    return guarded(this.#observer, () => {
      const kind = kindOfCall(this.#model, method, options)
      const endpoint = kind === undefined ? undefined : endpointOf(kind)
      if (endpoint === undefined) {
        this.#reportUnmetered(kind ?? method)
        return undefined
      }
      this.#watchGatewayBilling(options.headers)
      const { modelId } = this.#model
      const body: Call['body'] = { model: modelId, ...bodySnapshot(options) }
      const call = { provider: this.#provider, endpoint: endpoint.name, method, body }
      const hidesRaw = kind === 'languageModel' && method === 'doStream' && this.#needsRaw(body)
      const ofGateway = isOfGateway(this.#baseUrl)
      const kindOfAnswer = hidesRaw ? languageModelHidingRaw : endpoint
      const observed = this.#observer.begin(call, kindOfAnswer, { free: ofGateway })
      observed.ofGateway = ofGateway
      return observed
    })
  }

  #needsRaw(body: Call['body']): boolean {
    const needs = () => needsRawEvents(this.#provider, this.#model, body)
    return guarded(this.#observer, needs) === true
  }

  #observe(
    result: unknown,
    call: ObservedCall,
    scope: CallScope,
    isAborted: () => boolean,
  ): unknown {
    try {
      const { stream, response, request, usage } = jsonObject(result)
      call.headers = httpHeaders(jsonObject(response).headers)
      if (scope.isInvolved) {
        const shown = [result, stream, response, request, usage, jsonObject(usage).raw]
        if (scope.sawRecorded(...shown)) {
          call.dismiss()
          return result
        }
        scope.show(...shown)
      }
      if (stream === undefined) {
        call.respond(result)
      } else {
        const observation = StreamObservation.open(call)
        if (observation === undefined || !isReadableStream(stream)) {
          call.fault(`the stream of a call of ${call.endpoint.name} is of no known kind`, undefined)
          return result
        }
        const watch = new ModelStreamWatch(observation, scope)
        const observed = observeModelStream(stream, watch, isAborted)
        scope.show(observed)
        scope.showStream()
        return withStream(result as object, observed)
      }
    } catch (cause) {
      call.fault('a response could not be observed', cause)
    }
    return call.stored === undefined ? result : call.stored.then(() => result)
  }

  #watchGatewayBilling(requestHeaders: unknown): void {
    if (this.#ownHeadersSeen && requestHeaders === undefined) return
    const see = (defaultHeaders: unknown, headers: unknown) =>
      this.#billingWatch.see(
        { baseURL: this.#baseUrl ?? this.#provider, _options: { defaultHeaders } },
        headers,
      )
    if (!this.#ownHeadersSeen) {
      this.#ownHeadersSeen = true
      modelHeaders(this.#model, (headers) => see(headers, requestHeaders))
    }
    if (requestHeaders !== undefined) see(undefined, requestHeaders)
  }

  #reportUnmetered(kind: string): void {
    if (reportedKinds.has(kind)) return
    reportedKinds.add(kind)
    this.#observer.fault(`calls of a ${kind} work, but are not metered: record() their usage`)
  }
}

/** A refused call costs nothing; one whose answer could not be parsed was generated all the same. */
function onError(error: unknown, call: ObservedCall, scope: CallScope): never | Promise<never> {
  const answer = answeredError(error)
  if (scope.sawRecorded(error)) call.dismiss()
  else if (answer === undefined) call.failed(error)
  else if (answer.body === undefined) call.abandon()
  else {
    call.headers = httpHeaders(jsonObject(error).responseHeaders)
    call.respond({ response: { body: answer.body } })
  }
  scope.show(error)
  if (call.stored === undefined) throw error
  return call.stored.then(() => {
    throw error
  })
}

function isReadableStream(value: unknown): value is ReadableStream<unknown> {
  return typeof (value as Partial<ReadableStream> | null)?.getReader === 'function'
}

/** The result with another stream; not the provider's own object, which others may hold too. */
function withStream(result: object, stream: ReadableStream<unknown>): object {
  const prototype = Object.getPrototypeOf(result) as object | null
  if (prototype === Object.prototype) return { ...result, stream }
  const copy: object = Object.create(prototype)
  Object.defineProperties(copy, Object.getOwnPropertyDescriptors(result))
  Object.defineProperty(copy, 'stream', {
    value: stream,
    configurable: true,
    enumerable: true,
    writable: true,
  })
  return copy
}
