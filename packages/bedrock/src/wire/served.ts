import { type HttpHeaders, jsonObject, text, type UsageDetails } from '@token-meter/core/wire'

/** How a call was served, where that decides its price. */
export interface Served {
  readonly serviceTier: string | undefined
  readonly details: UsageDetails
}

/**
 * By the fields of an answer of Converse (`serviceTier: { type }`, `performanceConfig: { latency }`),
 * or the headers of any other. The tier is the one that served: a reserved one overflows to another.
 */
export function served(
  about: Readonly<Record<string, unknown>>,
  headers: HttpHeaders | undefined,
): Served {
  const header = (name: string) => text(headers?.get(`x-amzn-bedrock-${name}`))
  const latency =
    text(jsonObject(about.performanceConfig).latency) ?? header('performanceconfig-latency')
  return {
    serviceTier: text(jsonObject(about.serviceTier).type) ?? header('service-tier'),
    // https://docs.aws.amazon.com/bedrock/latest/userguide/latency-optimized-inference.html
    details: latency === 'optimized' ? { speed: latency } : {},
  }
}
