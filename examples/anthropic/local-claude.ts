import { startReplayServer, type ReplayServer } from '@token-meter/testkit'

const usage = {
  input_tokens: 12,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 2000,
  output_tokens: 9,
  service_tier: 'standard',
}

const message = {
  id: 'msg_local',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-5-20260203',
  content: [{ type: 'text', text: 'Seventeen.' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage,
}

const words = ['One, ', 'two, ', 'three, ', 'four, ', 'five.']

const script = [
  { type: 'message_start', message: { ...message, content: [], stop_reason: null } },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  ...words.map((text) => ({
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'text_delta', text },
  })),
  { type: 'content_block_stop', index: 0 },
  {
    type: 'message_delta',
    delta: { stop_reason: 'end_turn', stop_sequence: null },
    usage: { output_tokens: 13 },
  },
  { type: 'message_stop' },
]

/** An API on this machine that answers as Claude would, to whatever it is asked. */
export async function startLocalClaude(): Promise<ReplayServer> {
  const server = await startReplayServer({ gapMs: 5 })
  server.serve(({ body }) => ((body as { stream?: boolean }).stream ? script : message), {
    path: '/v1/messages',
    times: Infinity,
  })
  return server
}
