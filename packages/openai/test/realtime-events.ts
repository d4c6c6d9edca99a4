import type { WireEvent } from './realtime-server.ts'

export const sessionCreated: WireEvent = {
  type: 'session.created',
  session: {
    id: 'sess_1',
    type: 'realtime',
    model: 'gpt-realtime-2',
    instructions: 'Be brief.',
    audio: { input: { transcription: { model: 'gpt-4o-mini-transcribe' } } },
  },
}

export const realtimeUsageObject = {
  total_tokens: 253,
  input_tokens: 132,
  output_tokens: 121,
  input_token_details: {
    text_tokens: 100,
    audio_tokens: 20,
    image_tokens: 12,
    cached_tokens: 64,
    cached_tokens_details: { text_tokens: 50, audio_tokens: 10, image_tokens: 4 },
  },
  output_token_details: { text_tokens: 30, audio_tokens: 91 },
}

export function responseCreated(id: string, rest: object = {}): WireEvent {
  return {
    type: 'response.created',
    response: { object: 'realtime.response', id, status: 'in_progress', output: [], ...rest },
  }
}

export function responseDone(
  id: string,
  usage: unknown = realtimeUsageObject,
  status = 'completed',
): WireEvent {
  const output = [{ type: 'message', content: [{ type: 'text', text: 'SECRET answer' }] }]
  return {
    type: 'response.done',
    response: { object: 'realtime.response', id, status, output, usage },
  }
}

export function textDelta(id: string, delta: string): WireEvent {
  return { type: 'response.output_text.delta', response_id: id, item_id: 'item_1', delta }
}

export function transcriptionCompleted(itemId: string, usage: unknown): WireEvent {
  return {
    type: 'conversation.item.input_audio_transcription.completed',
    item_id: itemId,
    content_index: 0,
    transcript: 'SECRET question',
    usage,
  }
}
