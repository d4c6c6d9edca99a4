/**
 * A refusal as the answer of a server, for SDKs that send by a metered `fetch`: an error of their own comes of
 * it, and no second attempt.
 */
export function refusalResponse(refusal: unknown): Response {
  const { status, code } = (refusal ?? {}) as { readonly status?: unknown; readonly code?: unknown }
  const type = typeof code === 'string' ? code : 'refused'
  const shown = shownOf(refusal)
  const message = messageOf(shown) ?? 'the call was refused'
  // The names of OpenAI's errors and of Anthropic's.
  const body = { type: 'error', error: { ...fieldsOf(shown), type, code: type, message } }
  return new Response(JSON.stringify(body), {
    status: isErrorStatus(status) ? status : 402,
    headers: { 'content-type': 'application/json', 'x-should-retry': 'false' },
  })
}

function isErrorStatus(status: unknown): status is number {
  return Number.isInteger(status) && (status as number) >= 400 && (status as number) < 600
}

/** A refusal, as its JSON is: an error that has one says there what end users may read. */
function shownOf(refusal: unknown): unknown {
  const toJSON = (refusal as { readonly toJSON?: unknown } | null | undefined)?.toJSON
  return typeof toJSON === 'function' ? (toJSON.call(refusal) as unknown) : refusal
}

function messageOf(shown: unknown): string | undefined {
  const message = (shown as { readonly message?: unknown } | null | undefined)?.message
  return typeof message === 'string' ? message : undefined
}

/** What a refusal says of itself, but for who was refused: the answer may be passed on. */
function fieldsOf(refusal: unknown): Readonly<Record<string, unknown>> {
  if (typeof refusal !== 'object' || refusal === null) return {}
  const isShown = ([name, value]: readonly [string, unknown]) =>
    ['string', 'number', 'boolean'].includes(typeof value) && !hidden.has(name)
  return Object.fromEntries(Object.entries(refusal).filter(isShown))
}

const hidden: ReadonlySet<string> = new Set(['name', 'status', 'message', 'stack', 'customer'])
