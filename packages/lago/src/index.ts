export { lagoSink } from './lago-sink.ts'
export type { LagoSinkOptions } from './options.ts'
export type { LagoCode, LagoCost, LagoEvent, LagoEvents, TokenTypesOption } from './lago-events.ts'
export type { LagoClient, LagoRequestParams } from './lago-client.ts'
