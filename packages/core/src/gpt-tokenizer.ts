/**
 * Estimates that count as OpenAI's models do, by the optional peer package `gpt-tokenizer`.
 * @module
 */
import { ConfigError } from './errors/errors.ts'
import { checkKeys, isOneOf, optionCheck } from './errors/option-check.ts'
import { type Tokenizer, tokensPerO200k } from './wire/token-estimate.ts'

export type { Tokenizer } from './wire/token-estimate.ts'

export interface GptTokenizerOptions {
  /**
   * The vocabulary: `o200k_base` is that of every OpenAI model since GPT-4o, `cl100k_base` that of
   * GPT-4, GPT-3.5 and the embedding models. @default 'o200k_base'
   */
  readonly encoding?: 'o200k_base' | 'cl100k_base'
}

/** What is used of the package; the same in its majors 3 and 4. */
interface Vocabulary {
  countTokens(text: string, options: { readonly disallowedSpecial: Set<string> }): number
  clearMergeCache(): void
}

// Written out, so that a bundler finds what is used and nothing else.
const encodings: Readonly<
  Record<NonNullable<GptTokenizerOptions['encoding']>, () => Promise<Vocabulary>>
> = {
  o200k_base: () => import('gpt-tokenizer/encoding/o200k_base'),
  cl100k_base: () => import('gpt-tokenizer/encoding/cl100k_base'),
}

/** The tokenizer's work grows with the square of text that has no break in it, such as a long rule. */
const longestPiece = 256

/** Text in place of a special token, such as `<|endoftext|>`, is text and no reason to throw. */
const noSpecialTokens = { disallowedSpecial: new Set<string>() }

/**
 * A tokenizer for `createMeter({ tokenizer })`. Its vocabulary (2.4 MB of code, about 150 ms) is
 * loaded in the background when this is called: make it when the application starts. Until it is
 * there estimates are heuristic.
 *
 * It counts the text of OpenAI's models exactly, that of DeepSeek, Llama and Qwen within some 6 %,
 * and that of Claude, which is counted by 1.2, within some 10 %. What no text shows is not in it:
 * hidden reasoning, images, and the few tokens that frame each message.
 *
 * `ready` rejects with a ConfigError when the package is not installed; a meter reports that.
 * @throws ConfigError for an unknown encoding, or another option.
 */
export function gptTokenizer(options: GptTokenizerOptions = {}): Tokenizer & {
  readonly ready: Promise<void>
} {
  checkKeys<GptTokenizerOptions>('gptTokenizer', options, { encoding: true })
  const { encoding = 'o200k_base' } = options
  const isKnown = isOneOf(...Object.keys(encodings))
  optionCheck('gptTokenizer')('encoding', encoding, '"o200k_base" or "cl100k_base"', isKnown)
  const load = encodings[encoding]
  let vocabulary: Vocabulary | undefined
  const ready = load().then(
    (loaded) => {
      vocabulary = loaded
    },
    (cause: unknown) => {
      throw notLoaded(cause)
    },
  )
  // Whoever waits for it hears of it; a tokenizer that nobody uses ends no process.
  ready.catch(() => {})

  return {
    ready,
    count(text, model) {
      if (vocabulary === undefined) return undefined
      let tokens = 0
      for (const piece of pieces(text)) tokens += vocabulary.countTokens(piece, noSpecialTokens)
      // It remembers words of the text; nothing of a conversation is kept here.
      vocabulary.clearMergeCache()
      return Math.ceil(tokens * tokensPerO200k(model))
    },
  }
}

/** A text in short pieces, cut before a space where there is one: no token goes across such a cut. */
function* pieces(text: string): Generator<string, void> {
  for (let start = 0; start < text.length;) {
    const end = start + longestPiece
    const space = end < text.length ? text.lastIndexOf(' ', end) : end
    const next = space > start ? space : end
    yield text.slice(start, next)
    start = next
  }
}

function notLoaded(cause: unknown): ConfigError {
  const isMissing = String((cause as { code?: unknown } | null)?.code).endsWith('MODULE_NOT_FOUND')
  return new ConfigError(
    isMissing
      ? 'gptTokenizer() needs the package gpt-tokenizer, which is not installed: run npm install gpt-tokenizer'
      : 'gptTokenizer() could not load the package gpt-tokenizer',
    { cause },
  )
}
