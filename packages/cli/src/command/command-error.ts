/** Why a command did not do what it was asked to. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  /** For programs. */
  readonly code: string
  /** What to do next. */
  readonly hint: string | undefined

  /** @param message never with a secret: it is printed. */
  constructor(
    code: string,
    message: string,
    { hint, cause }: { readonly hint?: string; readonly cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.hint = hint
  }
}

/** An error as it is shown: to people on stderr, with `--json` as the one document of stdout. */
export function shownError(error: unknown): {
  readonly code: string
  readonly message: string
  readonly hint?: string
} {
  if (error instanceof CommandError) {
    const { code, message, hint } = error
    return { code, message, ...(hint !== undefined && { hint }) }
  }
  // Those of the packages have a code of their own; a bug has none, and is told whole.
  const { code, message, stack } = error as { code?: unknown; message?: unknown; stack?: unknown }
  if (typeof code === 'string') return { code, message: String(message) }
  return { code: 'internal', message: String(stack ?? error) }
}
