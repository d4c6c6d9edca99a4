import {
  type ClientOptions,
  type Customer,
  type Meter,
  zeroConfigMeter,
} from '@token-meter/core/adapter'
import type { AiSdkClient, AiSdkModel } from './model/ai-sdk-client.ts'
import { aiSdkProvider } from './model/ai-sdk-provider.ts'

/**
 * The same model or provider, metered: every call becomes usage of the customer, delivered to the
 * billing backends that the environment names (`STRIPE_RESTRICTED_KEY`, ...), through an outbox on
 * disk (`TOKEN_METER_OUTBOX`, default `.token-meter/usage.db`).
 *
 * What the environment lacks (a package, a disk) is told by `console.warn` and fails no call: usage waits
 * for it.
 *
 * @throws TypeError for an empty customer or what is no model or provider object of the AI SDK, a
 * model id such as `'openai/gpt-5'` among them; ConfigError for an option that there is not.
 */
export const meter: Meter<AiSdkClient> = zeroConfigMeter(aiSdkProvider)

export interface MeterMiddlewareOptions extends ClientOptions {
  /** A meter made by `createMeter({ providers: [aiSdkProvider] })`. @default the one of the environment */
  readonly meter?: Meter<AiSdkClient>
}

interface GenerateOptions<Result> {
  readonly doGenerate: () => PromiseLike<Result>
  readonly params: object
  readonly model: AiSdkModel
}

interface StreamOptions<Result> {
  readonly doStream: () => PromiseLike<Result>
  readonly params: object
  readonly model: AiSdkModel
}

/** A language model middleware for `wrapLanguageModel` of ai 5, 6 and 7. */
export interface MeterMiddleware {
  /** What ai 5 looks for. */
  readonly middlewareVersion: 'v2'
  /** What ai 6 wants to see; ai 7 takes any. */
  readonly specificationVersion: 'v3'
  wrapGenerate<Result>(options: GenerateOptions<Result>): Promise<Result>
  wrapStream<Result>(options: StreamOptions<Result>): Promise<Result>
}

/**
 * Meters the calls of a model inside `wrapLanguageModel({ model, middleware })`, for those who
 * compose middlewares anyway; `meter(model, customer)` does the same for every kind of model. Put
 * it last, next to the model, where it sees every request that the other middlewares make.
 *
 * @throws TypeError for an empty customer, or a meter without `aiSdkProvider`.
 */
export function meterMiddleware(
  customer: Customer,
  { meter: meterOfCalls = meter, ...options }: MeterMiddlewareOptions = {},
): MeterMiddleware {
  const metered = <Model extends AiSdkModel>(model: Model): Model =>
    meterOfCalls(model, customer, options)
  // What can never work is refused now, not at the first call.
  metered(modelCalling(unknownModel, 'doGenerate', async () => {}))
  return {
    middlewareVersion: 'v2',
    specificationVersion: 'v3',
    wrapGenerate: async ({ doGenerate, params, model }) =>
      await metered(modelCalling(model, 'doGenerate', doGenerate)).doGenerate(params),
    wrapStream: async ({ doStream, params, model }) =>
      await metered(modelCalling(model, 'doStream', doStream)).doStream(params),
  }
}

const unknownModel: AiSdkModel = { specificationVersion: 'v4', provider: '', modelId: '' }

/** A model of the same name whose call is the one that the middleware was given. */
function modelCalling<Method extends string, Result>(
  model: AiSdkModel,
  method: Method,
  call: () => PromiseLike<Result>,
): AiSdkModel & Readonly<Record<Method, (params: object) => PromiseLike<Result>>> {
  const { provider, modelId } = model
  const { config } = model as { config?: unknown }
  const calls = { [method]: call } as Record<Method, () => PromiseLike<Result>>
  return { specificationVersion: 'v4', provider, modelId, config, ...calls } as AiSdkModel &
    typeof calls
}
