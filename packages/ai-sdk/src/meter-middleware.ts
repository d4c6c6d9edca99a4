import type { ClientOptions, Meter } from '@token-meter/core/adapter'
import type { AiSdkClient, AiSdkModel } from './ai-sdk-client.ts'
import { meter as zeroConfig } from './zero-config-meter.ts'

type Customer = Parameters<Meter<AiSdkClient>>[1]

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
  { meter = zeroConfig, ...options }: MeterMiddlewareOptions = {},
): MeterMiddleware {
  const metered = <Model extends AiSdkModel>(model: Model): Model => meter(model, customer, options)
  // What can never work is refused now, not at the first call.
  metered(standIn(unknownModel, 'doGenerate', async () => {}))
  return {
    middlewareVersion: 'v2',
    specificationVersion: 'v3',
    wrapGenerate: async ({ doGenerate, params, model }) =>
      await metered(standIn(model, 'doGenerate', doGenerate)).doGenerate(params),
    wrapStream: async ({ doStream, params, model }) =>
      await metered(standIn(model, 'doStream', doStream)).doStream(params),
  }
}

const unknownModel: AiSdkModel = { specificationVersion: 'v4', provider: '', modelId: '' }

/** A model of the same name whose call is the middleware's. */
function standIn<Method extends string, Result>(
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
