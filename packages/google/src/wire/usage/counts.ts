import {
  jsonObject,
  reportedCount,
  type UsageCounts,
  type UsageDetails,
  type UsageProblems,
} from '@token-meter/core/wire'

/** What Google counts: cached is inside prompt, tool use and thoughts are outside of the others. */
export interface GoogleCounts {
  readonly prompt: number | undefined
  readonly cached: number | undefined
  readonly toolUse: number | undefined
  readonly thoughts: number | undefined
  readonly candidates: number | undefined
  readonly total: number | undefined
}

/**
 * Google's counts as disjoint ones. No count is made of others where it was given itself: one field
 * report has totals without thoughts. Proto JSON leaves out what is zero, so that a candidates
 * count that is missing beside a total is what the total leaves for it. A count that is 0 and that
 * the total contradicts is one that is missing, too.
 */
export function disjointCounts(
  counts: GoogleCounts,
  problems: UsageProblems,
): Pick<UsageCounts, 'tokens' | 'total'> {
  const { cached = 0, toolUse = 0, thoughts = 0 } = counts
  // Zeros say nothing beside a total that is not zero, nor does such a total.
  const total = counts.total || undefined
  if (total !== undefined && !counts.prompt && !counts.candidates && toolUse + thoughts === 0) {
    const tokens = { input: undefined, cachedInput: cached, cachedWrite: 0, output: undefined }
    return { tokens, total }
  }
  const output = wholeOutput({ ...counts, total }, problems)
  const prompt = wholePrompt({ ...counts, total }, problems)
  if (prompt === undefined) {
    return { tokens: { input: undefined, cachedInput: cached, cachedWrite: 0, output } }
  }
  if (cached > prompt) {
    problems.push(`${cached} cached tokens of ${prompt} prompt tokens, counted as ${prompt}`)
  }
  const cachedInput = Math.min(cached, prompt)
  const input = prompt - cachedInput + toolUse
  checkTotal(counts.total, prompt + toolUse + (output ?? 0), thoughts, problems)
  return { tokens: { input, cachedInput, cachedWrite: 0, output } }
}

function wholeOutput(counts: GoogleCounts, problems: UsageProblems): number | undefined {
  const { candidates, thoughts = 0 } = counts
  const rest = remainder(counts)
  if (candidates !== 0 || !rest || !counts.prompt) {
    const answered = candidates ?? rest
    return answered === undefined ? undefined : answered + thoughts
  }
  problems.push(`candidates are 0, which the total contradicts: the rest of it is counted`)
  return rest + thoughts
}

function wholePrompt(
  { prompt, toolUse = 0, thoughts = 0, candidates, total }: GoogleCounts,
  problems: UsageProblems,
): number | undefined {
  if (prompt !== 0 || total === undefined || !candidates) return prompt
  const rest = total - candidates - thoughts - toolUse
  if (rest <= 0) return prompt
  problems.push(`the prompt is 0, which the total contradicts: the rest of it is counted`)
  return rest
}

/** A total may leave thoughts out, as one of the Live API was seen to. */
function checkTotal(
  total: number | undefined,
  sum: number,
  thoughts: number,
  problems: UsageProblems,
): void {
  if (total === undefined || total === sum || total === sum - thoughts) return
  problems.push(`the total is ${total}, though its parts add up to ${sum}: the parts are counted`)
}

function remainder({ prompt, toolUse = 0, thoughts = 0, total }: GoogleCounts): number | undefined {
  if (total === undefined || prompt === undefined) return undefined
  const left = total - prompt - toolUse - thoughts
  return left < 0 ? undefined : left
}

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
