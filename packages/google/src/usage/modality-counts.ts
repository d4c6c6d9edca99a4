import {
  jsonObject,
  reportedCount,
  type UsageDetails,
  type UsageProblems,
} from '@token-meter/core/wire'

/** Tokens by what they stand for, from a list such as `promptTokensDetails`. */
export interface ModalityCounts {
  readonly audio: number | undefined
  readonly image: number | undefined
  readonly video: number | undefined
  /** All entries together; `undefined` where the list is not there. */
  readonly sum: number | undefined
}

const none: ModalityCounts = {
  audio: undefined,
  image: undefined,
  video: undefined,
  sum: undefined,
}

/**
 * Reads a list of `{ modality, tokenCount }` (generateContent, Live) or `{ modality, tokens }`
 * (interactions). An entry without a count is left out: proto JSON leaves out zeros.
 */
export function modalityCounts(
  list: unknown,
  name: string,
  problems: UsageProblems,
): ModalityCounts {
  if (!Array.isArray(list)) return none
  const counts: Record<string, number> = {}
  let sum = 0
  for (const entry of list) {
    const { modality, tokenCount, tokens } = jsonObject(entry)
    const count = reportedCount(tokenCount ?? tokens, `${name}.tokenCount`, problems) ?? 0
    const key = String(modality).toLowerCase()
    counts[key] = (counts[key] ?? 0) + count
    sum += count
  }
  return { audio: counts.audio, image: counts.image, video: counts.video, sum }
}

/** Adds what is there; `undefined` where nothing is. */
export function added(...counts: readonly (number | undefined)[]): number | undefined {
  const known = counts.filter((count) => count !== undefined)
  return known.length === 0 ? undefined : known.reduce((sum, count) => sum + count, 0)
}

/** Details of tokens that are no text, which can have prices of their own. */
type MediaInput = Pick<
  UsageDetails,
  | 'audioInput'
  | 'imageInput'
  | 'videoInput'
  | 'cachedAudioInput'
  | 'cachedImageInput'
  | 'cachedVideoInput'
>

/**
 * What of the input is audio, images and video, and what of that came from the cache. The list of
 * the prompt has the cached ones in it, unless it adds up to the rest of the prompt alone. Text and
 * documents are what is left: they have one price.
 */
export function mediaInput(
  lists: Readonly<Record<'prompts' | 'toolUses' | 'cached', ModalityCounts>>,
  tokens: { readonly prompt: number | undefined; readonly cached: number | undefined },
): { readonly [Detail in keyof MediaInput]: number | undefined } {
  const { prompts, toolUses, cached } = lists
  const isBeside =
    (tokens.cached ?? 0) > 0 && prompts.sum === (tokens.prompt ?? NaN) - (tokens.cached ?? 0)
  const all = (kind: 'audio' | 'image' | 'video') =>
    added(prompts[kind], toolUses[kind], isBeside ? cached[kind] : undefined)
  return {
    audioInput: all('audio'),
    imageInput: all('image'),
    videoInput: all('video'),
    cachedAudioInput: cached.audio,
    cachedImageInput: cached.image,
    cachedVideoInput: cached.video,
  }
}
