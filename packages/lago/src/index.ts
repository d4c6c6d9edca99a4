export { lagoSink } from './lago-sink.ts'
export type {
  LagoCode,
  LagoCost,
  LagoEvents,
  LagoSinkOptions,
  TokenTypesOption,
} from './lago-sink-options.ts'
export type { LagoClient, LagoRequestParams } from './lago-client.ts'
export type { LagoEvent } from './to-lago-events.ts'
