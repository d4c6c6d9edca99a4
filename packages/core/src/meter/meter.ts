import { ConfigError } from '../errors/errors.ts'
import type { WireProtocol } from '../wire/protocol.ts'
import { findPayer, runWithCustomer } from './payer.ts'
import { type Customer, checkCustomer, isCustomerId } from '../call/customer.ts'
import { ObservedCall } from '../call/observed-call.ts'
import {
  type CallObserver,
  type ClientOptions,
  type FetchOptions,
  type ObservingOptions,
  type Provider,
  checkClientOptions,
  checkFetchOptions,
  checkObservingOptions,
} from '../call/provider.ts'
import { meteredFetch } from '../call/http/metered-fetch.ts'
import {
  type Observing,
  observingKey,
  requestObservation,
} from '../call/http/request-observation.ts'
import { registerWrapper, unwrap } from '../call/registry.ts'
import { guardedTokenizer } from './guarded-tokenizer.ts'
import type { ManualUsage } from './manual-usage.ts'
import type { MeterEvents } from './events.ts'
import type { CloseOptions, FlushOptions, MeterOptions } from './options.ts'
import type { Correction, Outbox } from '../outbox/outbox.ts'
import { Pipeline } from './pipeline.ts'
import type { MeterStats } from './stats.ts'

/** Wraps clients and owns the pipeline behind them. Made by `createMeter`. */
export interface Meter<SupportedClient extends object = object> extends AsyncDisposable {
  /**
   * The same client, metered: same type, same behaviour. Cheap enough to call per request.
   * @throws TypeError for an empty customer, or a client that none of the meter's providers knows.
   */
  <Client extends SupportedClient>(
    client: Client,
    customer: Customer,
    options?: ClientOptions,
  ): Client
  /**
   * A `fetch` whose calls to models are metered, for whatever takes one: other SDKs, frameworks, code
   * of your own. It recognises the requests that the clients of the meter's providers would make, by
   * their host, path and body, and everything else goes through it untouched.
   * @throws TypeError for an empty customer; ConfigError for a wrong option, and where none of the
   * meter's providers knows requests.
   */
  fetch(customer: Customer, options?: FetchOptions): typeof fetch
  /**
   * Records usage that the application knows itself.
   * @throws TypeError or RangeError for what cannot be billed; OutboxError, with the record in it,
   * when it could not be kept; DuplicateIdError when its `id` was recorded with other usage.
   */
  record(usage: ManualUsage): Promise<void>
  /**
   * Resolves when everything recorded before the call is settled with every sink: delivered, or a
   * dead letter. Calls at the same moment with the same options share one promise. After `close()`
   * nothing more is sent: it returns the last counts, or rejects when records were left.
   * @throws FlushError after `timeoutMs` (default 30 s) with what is left; ConfigError for a
   * `timeoutMs` that is no time (`Infinity` is one).
   */
  flush(options?: FlushOptions): Promise<MeterStats>
  /**
   * Flushes within `timeoutMs` (default 10 s), stops, and releases files and connections. What is
   * left stays in a durable outbox for the next process.
   * @throws FlushError when records are left in an outbox that dies with the process.
   */
  close(options?: CloseOptions): Promise<void>
  /** Names who pays for the calls that `work` makes, where the client itself names nobody. */
  withCustomer<Result>(customer: string, work: () => Result): Result
  /** Adds a listener. Returns how to remove it. */
  on<Name extends keyof MeterEvents>(
    name: Name,
    listener: (event: MeterEvents[Name]) => void,
  ): () => void
  stats(): Promise<MeterStats>
  /** `outbox.correct`, which also tells the listeners of `dead-letter` about what is one now. */
  correct(sink: string, ids: readonly string[], correction: Correction): Promise<number>
  /**
   * For dead letters, unattributed usage and the ledger. What is asked of one sink throws a ConfigError for
   * a name that neither the meter nor the outbox knows.
   */
  readonly outbox: Outbox
}

/**
 * Joins the stages: client call -> usage -> outbox -> delivery -> sink.
 * @throws ConfigError for wrong options and for one that there is not; OutboxError when the outbox that
 * `TOKEN_METER_OUTBOX` names cannot be used.
 */
export function createMeter<Known extends Provider>(
  options: Omit<MeterOptions, 'providers'> & { readonly providers: readonly Known[] },
): Meter<ClientOf<Known>> {
  const pipeline = new Pipeline(options)
  const providers = options.providers as readonly Provider[] as readonly Provider<ClientOf<Known>>[]
  return meterOn(pipeline, { ...options, providers })
}

/** The clients that a provider knows; of several providers, of any of them. */
export type ClientOf<Known extends Provider> = Known extends Provider<infer Client> ? Client : never

/** A meter on a pipeline that others may use too. */
export function meterOn<SupportedClient extends object>(
  pipeline: Pipeline,
  options: MeterOptions<SupportedClient>,
): Meter<SupportedClient> {
  const { providers, attributes, onMissingCustomer = 'record', tokenizer, guard } = options
  const { recorder } = pipeline
  const onFault = (what: string, cause?: unknown) => recorder.fault(what, cause)
  const count = tokenizer && guardedTokenizer(tokenizer, onFault)

  /** Of all `fetch`es of the meter, which are made per request. */
  let protocols: readonly WireProtocol[] | undefined

  /** What the calls of one wrapped client, or of one `fetch`, are reported to. */
  function observerOf(
    customer: Customer,
    own: Pick<ObservingOptions, keyof ClientOptions | 'holdIds'>,
  ): CallObserver {
    const allAttributes = [attributes, own.attributes].filter((option) => option !== undefined)
    const payerOptions = { customer, attributes: allAttributes, onFault }
    const onInterrupted = own.onInterrupted ?? options.onInterrupted ?? 'estimate'
    const billLinked = own.billLinked ?? options.billLinked ?? false
    const policy = { onInterrupted, billLinked, count, holdIds: own.holdIds }
    const guarding = guard && { guard, pools: own.pools ?? noPools, fault: onFault }
    return {
      begin(call, endpoint, { free = false, isSent = false, startsJob = false } = {}) {
        const onMissing = free ? 'record' : onMissingCustomer
        const payer = findPayer(call, { ...payerOptions, onMissingCustomer: onMissing })
        const observed = new ObservedCall(call, endpoint, payer, recorder, policy, guarding)
        const isAsked = startsJob ? payer.customer !== null : !free
        if (isAsked && !isSent) observed.ask()
        return observed
      },
      fault: onFault,
    }
  }

  /** A limit that nobody looks at would be none. */
  function checkPools(owner: string, { pools = noPools }: ClientOptions): void {
    if (guard !== undefined || pools.length === 0) return
    throw new ConfigError(
      `${owner}: pools count for nothing without a guard: createMeter({ guard: credits.guard() })`,
    )
  }

  function meter<Client extends SupportedClient>(
    client: Client,
    customer: Customer,
    clientOptions: ClientOptions = {},
  ): Client {
    checkCustomer(customer, 'meter()')
    checkClientOptions(clientOptions)
    checkPools('meter()', clientOptions)
    const raw = unwrap(client)
    const provider = providerOf(raw, providers)
    const wrapped = provider.observe(raw, observerOf(customer, clientOptions), clientOptions)
    registerWrapper(wrapped, raw)
    return wrapped as Client
  }

  const observe: Observing = (customer, own: ObservingOptions = {}) => {
    checkCustomer(customer, 'observing()')
    checkObservingOptions(own)
    checkPools('observing()', own)
    const { provider, includeUsage, recordId, keepsOpen = false } = own
    protocols ??= protocolsOf(providers, 'observing()')
    const begun = (call: ObservedCall): void => {
      call.recordId = recordId
      call.keepsOpen = keepsOpen
    }
    const observer = observerOf(customer, own)
    return requestObservation({ observer, protocols, provider, includeUsage, begun })
  }
  Object.defineProperty(meter, observingKey, { value: observe })

  return Object.assign(meter, {
    fetch(customer: Customer, fetchOptions: FetchOptions = {}): typeof fetch {
      checkCustomer(customer, 'meter.fetch()')
      checkFetchOptions(fetchOptions)
      checkPools('meter.fetch()', fetchOptions)
      const { fetch: send, provider, includeUsage, onRefused } = fetchOptions
      const observer = observerOf(customer, fetchOptions)
      protocols ??= protocolsOf(providers, 'meter.fetch()')
      return meteredFetch(send, { observer, protocols, provider, includeUsage, onRefused })
    },
    outbox: pipeline.outbox,
    correct: pipeline.correct,
    record: (usage: ManualUsage) => pipeline.record(usage),
    flush: (flushOptions?: FlushOptions) => pipeline.flush(flushOptions),
    close: (closeOptions?: CloseOptions) => pipeline.close(closeOptions),
    [Symbol.asyncDispose]: () => pipeline.close(),
    stats: () => pipeline.stats(),
    on: pipeline.on,
    withCustomer<Result>(customer: string, work: () => Result): Result {
      if (!isCustomerId(customer)) {
        throw new TypeError('withCustomer() expected the customer to be a non-empty string')
      }
      if (typeof work !== 'function') {
        throw new TypeError(
          `withCustomer() expected a function that makes the calls, got ${describe(work)}. ` +
            'Calls are billed to whoever is named when they begin: pass () => client.method(...).',
        )
      }
      return runWithCustomer(customer, work)
    },
  })
}

const noPools: readonly string[] = []

const frameworkPages = 'https://github.com/token-meter/token-meter/tree/main/docs/frameworks'

function providerOf<Client extends object>(
  client: unknown,
  providers: readonly Provider<Client>[],
): Provider<Client> {
  const provider =
    (typeof client === 'object' && client !== null) || typeof client === 'function'
      ? providers.find(({ recognises }) => recognises(client))
      : undefined
  if (provider !== undefined) return provider
  const known = providers.map(({ clientDescription }) => clientDescription).join(' or ')
  throw new TypeError(
    `meter() does not know this client: expected ${known}, got ${describe(client)}. ` +
      `For a client of another SDK, take the meter of its package, or add the package's provider to ` +
      `createMeter({ providers: [...] }). ` +
      `A model or an agent of a framework makes its own client: it is metered by meter.fetch(customer), or by ` +
      `the client that it is given (${frameworkPages}). Where there is neither, meter.record() takes usage that ` +
      `the application knows itself.`,
  )
}

/** By which requests are known, in the order of the providers. */
function protocolsOf(providers: readonly Provider[], owner: string): readonly WireProtocol[] {
  const protocols = new Set(providers.flatMap((provider) => provider.protocols ?? []))
  if (protocols.size > 0) return [...protocols]
  const names = providers.map(({ name }) => name).join(', ') || 'none'
  throw new ConfigError(
    `${owner} would meter nothing: no provider of this meter (${names}) knows requests; add ` +
      'one that has protocols, such as openaiProvider, to createMeter({ providers: [...] })',
  )
}

/** What a value is. A text is never shown: it may be a key. */
function describe(value: unknown): string {
  if (typeof value === 'function') {
    const isClass = /^class\b/.test(Function.prototype.toString.call(value))
    return isClass ? `the class ${value.name}, not an instance of it` : 'a function'
  }
  if (value === null || value === undefined) return String(value)
  if (typeof value !== 'object') return `a value of type ${typeof value}`
  const name = value.constructor?.name
  return name === undefined || name === 'Object' ? 'a plain object' : `an instance of ${name}`
}
