/** One turn of the conversation, as the page sends it. */
export interface Message {
  readonly role: 'user' | 'assistant'
  readonly content: string
}

const mostMessages = 200

/** The conversation in a request's body; `undefined` when it is none that ends with a question. */
export function messagesFrom(body: unknown): readonly Message[] | undefined {
  const { messages } = (body ?? {}) as { messages?: unknown }
  if (!Array.isArray(messages) || messages.length > mostMessages) return undefined
  if (!messages.every(isMessage) || messages.at(-1)?.role !== 'user') return undefined
  // Nothing else that the browser may have put there reaches the provider.
  return messages.map(({ role, content }) => ({ role, content }))
}

function isMessage(value: unknown): value is Message {
  const { role, content } = (value ?? {}) as { role?: unknown; content?: unknown }
  return (role === 'user' || role === 'assistant') && typeof content === 'string' && content !== ''
}
