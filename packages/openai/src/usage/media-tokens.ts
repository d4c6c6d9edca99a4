import { type countReader, jsonObject } from '@token-meter/core/wire'

type Json = Readonly<Record<string, unknown>>
type Count = ReturnType<typeof countReader>

/** Tokens of audio, images and video among the input, the cached input and the output. */
interface MediaTokens {
  readonly audioInput: number | undefined
  readonly imageInput: number | undefined
  readonly videoInput: number | undefined
  readonly cachedAudioInput: number | undefined
  readonly cachedImageInput: number | undefined
  readonly cachedVideoInput: number | undefined
  readonly audioOutput: number | undefined
  readonly imageOutput: number | undefined
  readonly videoOutput: number | undefined
}

/**
 * Reads the `..._tokens_details` of a usage object. The cached ones of each kind are in
 * `cached_tokens_details`, beside the others or, at the Images API, beside the details.
 */
export function mediaTokens(
  {
    input,
    output,
    cached,
  }: { readonly input: Json; readonly output: Json; readonly cached?: Json },
  count: Count,
): MediaTokens {
  const cachedDetails = cached ?? jsonObject(input.cached_tokens_details)
  const cachedOf = (kind: string): number | undefined =>
    count(cachedDetails[`${kind}_tokens`], `cached ${kind}_tokens`) ??
    count(cachedDetails[`cached_${kind}_tokens`], `cached_${kind}_tokens`)
  return {
    audioInput: count(input.audio_tokens, 'audio_tokens'),
    imageInput: count(input.image_tokens, 'image_tokens'),
    videoInput: count(input.video_tokens, 'video_tokens'),
    cachedAudioInput: cachedOf('audio'),
    cachedImageInput: cachedOf('image'),
    cachedVideoInput: cachedOf('video'),
    audioOutput: count(output.audio_tokens, 'audio_tokens'),
    imageOutput: count(output.image_tokens, 'image_tokens'),
    videoOutput: count(output.video_tokens, 'video_tokens'),
  }
}
