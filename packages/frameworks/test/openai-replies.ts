/** What OpenAI answers, with counts: https://platform.openai.com/docs/api-reference */

interface Counts {
  readonly input: number
  readonly cached?: number
  readonly output: number
  readonly reasoning?: number
}

const created = 1_780_000_000
const model = 'gpt-5.4-2026-03-05'

// Frameworks take two messages of one id for one.
let answers = 0

/** A tool that the model wants called. */
export interface Wanted {
  readonly name: string
  readonly args: object
}

function chatUsage({ input, cached = 0, output, reasoning = 0 }: Counts) {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached },
    completion_tokens_details: { reasoning_tokens: reasoning },
  }
}

/** A chat completion that says something, or wants a tool called. */
export function chat(says: string | Wanted, counts: Counts) {
  const isText = typeof says === 'string'
  return {
    id: `chatcmpl-${answers++}`,
    object: 'chat.completion',
    created,
    model,
    choices: [
      {
        index: 0,
        message: isText
          ? { role: 'assistant', content: says, refusal: null }
          : { role: 'assistant', content: null, tool_calls: [toolCall(says)] },
        finish_reason: isText ? 'stop' : 'tool_calls',
      },
    ],
    usage: chatUsage(counts),
  }
}

/** The same as the chunks of a stream; their usage is sent to those who ask for it. */
export function chatChunks(says: string | Wanted, counts: Counts) {
  const chunk = { id: `chatcmpl-${answers++}`, object: 'chat.completion.chunk', created, model }
  const deltas =
    typeof says === 'string'
      ? says.split(/(?= )/).map((content) => ({ content }))
      : [{ tool_calls: [{ index: 0, ...toolCall(says) }] }]
  const finish_reason = typeof says === 'string' ? 'stop' : 'tool_calls'
  return [
    { ...chunk, choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] },
    ...deltas.map((delta) => ({ ...chunk, choices: [{ index: 0, delta }] })),
    { ...chunk, choices: [{ index: 0, delta: {}, finish_reason }] },
    { ...chunk, choices: [], usage: chatUsage(counts) },
  ]
}

function toolCall({ name, args }: Wanted) {
  return { id: 'call_1', type: 'function', function: { name, arguments: JSON.stringify(args) } }
}

/** A response of the Responses API. */
export function response(says: string | Wanted, counts: Counts, status = 'completed') {
  const { input, cached = 0, output, reasoning = 0 } = counts
  return {
    id: `resp_${answers++}`,
    object: 'response',
    created_at: created,
    status,
    model,
    output: [outputItem(says)],
    parallel_tool_calls: true,
    tool_choice: 'auto',
    tools: [],
    error: null,
    incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    usage: {
      input_tokens: input,
      input_tokens_details: { cached_tokens: cached },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: reasoning },
      total_tokens: input + output,
    },
  }
}

function outputItem(says: string | Wanted) {
  if (typeof says !== 'string') {
    const { name, args } = says
    return {
      type: 'function_call',
      id: 'fc_1',
      call_id: 'call_1',
      name,
      arguments: JSON.stringify(args),
      status: 'completed',
    }
  }
  return {
    type: 'message',
    id: 'msg_1',
    role: 'assistant',
    status: 'completed',
    content: [{ type: 'output_text', text: says, annotations: [] }],
  }
}

/** The same as events of a stream or a socket. */
export function responseEvents(says: string | Wanted, counts: Counts, status = 'completed') {
  const whole = response(says, counts, status)
  const begun = { ...whole, status: 'in_progress', output: [], usage: null }
  const item = whole.output[0]
  const events: Readonly<Record<string, unknown>>[] = [
    { type: 'response.created', response: begun },
    { type: 'response.in_progress', response: begun },
    {
      type: 'response.output_item.added',
      output_index: 0,
      item: { ...item, status: 'in_progress' },
    },
  ]
  if (typeof says === 'string') {
    const place = { item_id: 'msg_1', output_index: 0, content_index: 0 }
    const part = { type: 'output_text', text: '', annotations: [] }
    events.push(
      { type: 'response.content_part.added', ...place, part },
      ...says
        .split(/(?= )/)
        .map((delta) => ({ type: 'response.output_text.delta', ...place, delta })),
      { type: 'response.output_text.done', ...place, text: says },
    )
  } else {
    const place = { item_id: 'fc_1', output_index: 0 }
    const args = JSON.stringify(says.args)
    events.push(
      { type: 'response.function_call_arguments.delta', ...place, delta: args },
      { type: 'response.function_call_arguments.done', ...place, arguments: args },
    )
  }
  events.push({ type: 'response.output_item.done', output_index: 0, item })
  events.push({ type: `response.${status}`, response: whole })
  return events.map((event, sequence_number) => ({ ...event, sequence_number }))
}

/** Vectors of a text or of several. */
export function embeddings(count: number, tokens: number) {
  return {
    object: 'list',
    data: Array.from({ length: count }, (_, index) => ({
      object: 'embedding',
      index,
      embedding: [0.5, 0.25],
    })),
    model: 'text-embedding-3-small',
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  }
}
