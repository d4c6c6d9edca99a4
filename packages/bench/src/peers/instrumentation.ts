import type { Sdk } from '../calls/sdk/sdk.ts'
import type { Telemetry } from '../calls/subject/subject.ts'
import { spanProvider } from './span-provider.ts'

/** An OpenTelemetry instrumentation of the SDK's classes. */
export interface Instrumentation {
  setTracerProvider(provider: object): void
  manuallyInstrument(module: object): void
}

export async function instrument(
  instrumentation: Instrumentation,
  sdk: Sdk,
  telemetry: Telemetry,
): Promise<void> {
  instrumentation.setTracerProvider(await spanProvider(telemetry))
  instrumentation.manuallyInstrument(sdk.Client)
}
