import type { UsageDetails } from '@token-meter/core/sink'

/** Tokens of a count by `gen_ai.token.modality`. They sum to the count. */
export type Modalities = Readonly<Record<string, number>>

/** The parts of a count that the provider named; it seldom names them all, so the rest is unknown. */
export function byModality(
  count: number,
  parts: Readonly<Record<'audio' | 'image' | 'video', number | undefined>>,
): Modalities {
  const named = Object.entries(parts).flatMap(([modality, part = 0]) =>
    part > 0 ? [[modality, part] as const] : [],
  )
  const rest = count - named.reduce((sum, [, part]) => sum + part, 0)
  // Parts that are more than the whole are wrong, so none of them is believed.
  if (rest < 0) return { unknown: count }
  const all = rest > 0 ? [...named, ['unknown', rest] as const] : named
  return Object.fromEntries(all)
}

export function inputModalities(count: number, details: UsageDetails): Modalities {
  const { audioInput: audio, imageInput: image, videoInput: video } = details
  return byModality(count, { audio, image, video })
}

export function outputModalities(count: number, details: UsageDetails): Modalities {
  const { audioOutput: audio, imageOutput: image, videoOutput: video } = details
  return byModality(count, { audio, image, video })
}

export function cacheReadModalities(count: number, details: UsageDetails): Modalities {
  const { cachedAudioInput: audio, cachedImageInput: image, cachedVideoInput: video } = details
  return byModality(count, { audio, image, video })
}
