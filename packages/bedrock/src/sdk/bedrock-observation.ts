import {
  isGatewayNamed,
  AnswerScope,
  asMetered,
  type CallObserver,
  type ClientOptions,
  guarded,
  handleRejection,
  httpHeaders,
  markObserved,
  type ObservedCall,
  observeStream,
  RequestContext,
  StreamObservation,
  ToldOnce,
  untilAdmitted,
} from '@token-meter/core/adapter'
import {
  jsonObject,
  parsedJson,
  type WireOperation,
  type WireProtocol,
} from '@token-meter/core/wire'
import type { Handler, HandlerArguments, HandlerResult } from './bedrock-client.ts'
import { type AnswerKind, commandRequest } from './command-request.ts'
import { withMetadata } from './request-metadata.ts'

/** Options of the provider, beside those of each client. */
export interface BedrockOptions {
  /**
   * The name under which the customer is sent to AWS, in the `requestMetadata` of each Converse and
   * InvokeModel call of a metered client, which Bedrock writes to the invocation logs of the account: `'customer'`. What
   * the caller wrote there is kept, and goes before.
   * @default the customer is not sent
   */
  readonly requestMetadata?: string | undefined
  /**
   * The models behind ids that name none, by the `modelId` of the requests: application inference
   * profiles, provisioned throughput, deployments, prompts. `{ 'arn:aws:bedrock:...:application-inference-profile/a1':
   * 'us.anthropic.claude-sonnet-4-5-20250929-v1:0' }`
   * @default the model that an answer names, else the resource: `application-inference-profile/a1`
   */
  readonly models?: Readonly<Record<string, string>> | undefined
}

/** A command that is an operation, before it is begun. */
interface Opened {
  readonly operation: WireOperation<ObservedCall>
  readonly context: RequestContext
  readonly answer: AnswerKind
}

/** An `AbortSignal`, or AWS's own. */
export interface SignalLike {
  readonly aborted?: unknown
}

/** Said once in a process: an application that does it again hears no more. */
const reported = new ToldOnce()

/** Observes the commands of one metered client. */
export class BedrockObservation {
  readonly #observer: CallObserver
  readonly #provider: string
  readonly #protocol: WireProtocol
  readonly #metadata: string | undefined
  readonly #config: object

  constructor(
    protocol: WireProtocol,
    observer: CallObserver,
    client: ClientOptions,
    options: BedrockOptions,
    config: object = {},
  ) {
    this.#protocol = protocol
    this.#observer = observer
    this.#provider = client.provider ?? protocol.name
    this.#metadata = options.requestMetadata
    this.#config = config
  }

  /**
   * A command on its way through the SDK's middleware: retries and all is behind `next`, so that what
   * comes back is the one answer that the caller gets.
   *
   * @param signal by which the caller can abort it.
   * @throws what `next` throws; MissingCustomerError where the meter refuses calls that nobody pays for.
   */
  async handle(
    name: string,
    send: Handler,
    args: HandlerArguments,
    signal: SignalLike | undefined,
  ): Promise<HandlerResult> {
    const next: Handler = (given) => asMetered(() => send(given))
    const address = isGatewayNamed() ? await baseUrlOf(this.#config) : undefined
    const opened = this.guarded(() => this.#open(name, args.input, address))
    if (opened === undefined) return next(args)
    if (opened === 'unknown') return this.#watch(name, await next(args))
    const { context, operation, answer } = opened
    const call = this.guarded(() => context.begin(operation, 'POST'))
    if (call === undefined) return next(args)
    if (call.admission !== undefined) await untilAdmitted(call, listenable(signal))

    // What a metered `fetch` sees that the client sends by is the same answer.
    const inner = AnswerScope.open()
    const sent = this.#sent(args, name, call)
    let result: HandlerResult
    try {
      result = await (inner === undefined ? next(sent) : inner.run(() => next(sent)))
    } catch (error) {
      closeScope(inner, jsonObject(error).$response)
      this.#failed(call, error, answer)
      if (call.stored !== undefined) await call.stored
      throw error
    }
    closeScope(inner, result.response)
    observeResult(result, answer, call, signal)
    if (call.stored !== undefined) await call.stored
    return result
  }

  /** What a command answered that came past the SDK's middleware: a mock of the application's own. */
  mocked(name: string, input: HandlerArguments['input'], output: unknown): void {
    const opened = this.guarded(() => this.#open(name, input))
    if (opened === undefined || opened === 'unknown') return
    const { context, operation, answer } = opened
    const call = this.guarded(() => context.begin(operation, 'POST'))
    if (call !== undefined)
      observeResult({ output: jsonObject(output), response: {} }, answer, call)
  }

  #open(
    name: string,
    input: HandlerArguments['input'],
    address?: string,
  ): Opened | 'unknown' | undefined {
    const request = commandRequest(name, input)
    if (request === undefined) return 'unknown'
    const target = { baseUrl: undefined, address, provider: this.#provider }
    const context = new RequestContext(this.#protocol, this.#observer, target)
    const operation = this.#protocol.open(request, context)
    if (operation === undefined) return undefined
    if ('endpoint' in operation) return { operation, context, answer: request.answer }
    this.report(operation.unmetered)
    return undefined
  }

  #sent(args: HandlerArguments, name: string, call: ObservedCall): HandlerArguments {
    const key = this.#metadata
    if (key === undefined || call.customer === null) return args
    const { customer } = call
    return this.guarded(() => withMetadata(args, name, key, customer)) ?? args
  }

  #failed(call: ObservedCall, error: unknown, answer: AnswerKind): void {
    const { $fault, $response } = jsonObject(error)
    const { statusCode } = jsonObject($response)
    // What AWS refuses, and what never arrived, is not billed; what broke off after it came is.
    const isBroken = statusCode === 200 && $fault === undefined && answer !== 'events'
    if (isBroken) call.abandon()
    else if ($fault !== undefined || statusCode !== undefined) call.dismiss()
    else call.failed(error)
  }

  /** A command that nobody here knows is metered by nobody: said where its answer can have usage. */
  #watch(name: string, result: HandlerResult): HandlerResult {
    this.guarded(() => {
      const answered = usageSign(result)
      if (answered === undefined) return
      this.report(
        `${name} answered ${answered} and is not metered, as nobody here knows what it is: record() it`,
      )
    })
    return result
  }

  /** Says something once in a process. */
  report(what: string): void {
    if (reported.isNews(what)) this.#observer.fault(what)
  }

  /** Nothing of the meter reaches the call, but the refusal that the application asked for. */
  guarded<Value>(work: () => Value): Value | undefined {
    return guarded(this.#observer, work)
  }
}

/** Where a client sends, if the application has said so; `undefined` for AWS's own servers. */
async function baseUrlOf(config: object): Promise<string | undefined> {
  try {
    const { endpoint } = config as { endpoint?: () => Promise<unknown> }
    if (typeof endpoint !== 'function') return undefined
    const { protocol, hostname, port, path } = jsonObject(await endpoint())
    return `${String(protocol)}//${String(hostname)}${port ? `:${String(port)}` : ''}${String(path ?? '')}`
  } catch {
    return undefined
  }
}

/** A signal as `fetch` has it: AWS's own is asked, and tells nobody. */
function listenable(signal: SignalLike | undefined): AbortSignal | undefined {
  const { addEventListener } = (signal ?? {}) as Partial<AbortSignal>
  return typeof addEventListener === 'function' ? (signal as AbortSignal) : undefined
}

/** What of an answer says that a model was asked. */
function usageSign({ output, response }: HandlerResult): string | undefined {
  const fields = jsonObject(output)
  const counts = Object.entries(jsonObject(fields.usage))
  const isCounted = counts.some(([name, count]) => /tokens$/i.test(name) && Number(count) > 0)
  if (isCounted) return 'usage'
  const { headers } = jsonObject(response)
  if (Object.keys(jsonObject(headers)).some((name) => /-token-count$/i.test(name))) return 'usage'
  return Object.values(fields).some(isEvents) ? 'a stream' : undefined
}

function isEvents(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

/** Takes the answer of a request that was metered inside; any other one is recorded. */
function closeScope(inner: AnswerScope | undefined, response: unknown): void {
  if (inner === undefined) return
  const { headers } = jsonObject(response)
  const id = httpHeaders(headers)?.get('x-amzn-requestid')
  if (response !== undefined) inner.takeAnswer(id ? { 'x-amzn-requestid': id } : {})
  inner.close()
}

function observeResult(
  { output, response }: HandlerResult,
  answer: AnswerKind,
  call: ObservedCall,
  signal?: SignalLike,
): void {
  try {
    call.headers = httpHeaders(jsonObject(response).headers)
    if (answer === 'events') {
      return observeEvents(output, jsonObject(response).body, call, signal)
    }
    // Handed on by a middleware that keeps answers, it was recorded when it came.
    if (!markObserved(output)) return call.dismiss()
    call.respond(answer === 'body' ? jsonOf(output.body) : output)
  } catch (cause) {
    call.fault('a response could not be observed', cause)
  }
}

function observeEvents(
  output: HandlerResult['output'],
  body: unknown,
  call: ObservedCall,
  signal: SignalLike | undefined,
): void {
  const stream = output.stream ?? output.body
  if (!isEvents(stream)) return call.abandon()
  const observation = StreamObservation.open(call)
  if (observation === undefined || !markObserved(stream)) return call.dismiss()
  observeStream(stream, observation, {
    // Over HTTP/2 an aborted stream ends as one that is over.
    wasAborted: () => signal?.aborted === true,
    // The SDK leaves the connection open when its stream is left.
    abort: () => closeBody(body),
  })
}

/** Closes the connection of a response: a stream of Node's, of HTTP/1 or HTTP/2, or one of `fetch`. */
function closeBody(body: unknown): void {
  const { destroy, cancel } = (body ?? {}) as { destroy?: unknown; cancel?: unknown }
  const close = typeof destroy === 'function' ? destroy : cancel
  if (typeof close === 'function') handleRejection(Reflect.apply(close, body, []))
}

/** The JSON of a body; `undefined` for what is none. */
function jsonOf(body: unknown): unknown {
  return body instanceof Uint8Array ? parsedJson(new TextDecoder().decode(body)) : undefined
}
