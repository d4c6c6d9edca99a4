import type { TokenType, UsageRecord } from '@token-meter/core/sink'
import type { LagoCode } from './lago-sink-options.ts'

/** The codes that Lago's own documentation has for LLM tokens. */
export const codeByTokenType: Readonly<Record<TokenType, string>> = {
  input: 'llm_input_tokens',
  output: 'llm_output_tokens',
  cached_input: 'llm_cached_input_tokens',
  cached_write: 'llm_cache_creation_tokens',
} satisfies Record<TokenType, string>

/** The code of events per record: that of `LAGO_API_EVENT_CODE`, which LiteLLM reads too. */
export function defaultCode(): string {
  const named = globalThis.process?.env?.['LAGO_API_EVENT_CODE']?.trim()
  return named === undefined || named === '' ? 'llm_usage' : named
}

/**
 * The code of one event.
 * @throws Error when a function of the application throws, or answers no text.
 */
export function eventCode(
  code: LagoCode,
  record: UsageRecord,
  tokenType: TokenType | undefined,
): string {
  if (typeof code === 'string') return code
  if (typeof code === 'object') {
    return tokenType === undefined ? '' : (code[tokenType] ?? codeByTokenType[tokenType])
  }
  const named: unknown = code(record, tokenType)
  if (typeof named === 'string' && named !== '') return named
  throw new Error('code must answer a string that is not empty')
}
