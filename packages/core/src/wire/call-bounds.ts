/**
 * The most that one call can use, as far as its request says: what a guard holds credits for. Asked for
 * before the call is sent, and only where there is a guard.
 */
export interface CallBounds {
  /**
   * UTF-8 bytes of all text that the model is given, and of what the provider's template adds to it. A
   * token has at least one byte, so that there are never more tokens than that, but for what `beyond`
   * names.
   */
  readonly inputBytes: number
  /**
   * The caller's own cap on the output tokens of one answer (`max_tokens` and its kin), reasoning
   * included. `undefined`: none was given.
   */
  readonly maxOutput: number | undefined
  /** How many answers are asked for: `n`, `candidateCount`, the lines of a batch. */
  readonly answers: number
  /** What the model is given that is not in the body. Empty: the input is bounded by `inputBytes`. */
  readonly beyond: readonly InputBeyond[]
  /** The body asks for prompt caching, whose writes cost more than input does. */
  readonly cacheWrites: boolean
  /** It can make no output tokens: embeddings, moderation, the counting of tokens. */
  readonly noOutput: boolean
  /**
   * For work that goes on after its answer (a batch, a background response): how long until the provider
   * lets it expire, in ms. Left out for everything else.
   */
  readonly jobForMs?: number | undefined
}

/**
 * Why the input of a call is not bounded by its body: a file that was uploaded before, an address, what was
 * said before at the provider (`previous_response_id`), a prompt that is stored there, a tool that the
 * provider runs, media whose tokens nobody here counts, a body that could not be read, an endpoint that
 * says nothing of its bounds.
 */
export type InputBeyond =
  | 'file'
  | 'url'
  | 'history'
  | 'prompt'
  | 'server_tool'
  | 'media'
  | 'unread'
  | 'unknown'
