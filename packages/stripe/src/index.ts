export { stripeSink } from './stripe-sink.ts'
export type { StripeSinkOptions, TokenTypesOption } from './stripe-sink-options.ts'
