import { jsonObject, text } from '@token-meter/core/wire'
import type { SocketEvent } from './account.ts'

// An audio token of the assistant is 50 ms: https://developers.openai.com/api/docs/guides/realtime-costs
const msPerToken = 50
// 16 bits at 24 kHz; the G.711 formats of telephony have 8 bits at 8 kHz.
const pcmBytesPerMs = 48
const g711BytesPerMs = 8

/** What a realtime session says about itself: in its GA shape and in that of the beta. */
export class RealtimeSession {
  model: string | undefined
  transcriptionModel: string | undefined
  /** About how many tokens the conversation has that the next response will read. */
  conversationTokens = 0
  #isG711 = false
  #instructionTokens = 0

  readonly #tokensOf: (value: unknown) => number

  /** @param tokensOf an estimate of the tokens of all text in a value. */
  constructor(model: string | undefined, tokensOf: (value: unknown) => number) {
    this.model = model
    this.#tokensOf = tokensOf
  }

  see(event: SocketEvent): void {
    const { type, session, item } = event
    if (session !== undefined) this.#seeSession(jsonObject(session))
    // `added` is GA, `created` the beta; an assistant's item comes empty.
    if (type === 'conversation.item.added' || type === 'conversation.item.created') {
      this.conversationTokens += this.#tokensOf(jsonObject(item).content)
    }
  }

  /** A response has read the whole conversation and become part of it. */
  responded(tokens: number): void {
    this.conversationTokens = tokens
  }

  /** Tokens of so much audio, in base64, as the session writes it. */
  audioTokens(base64: string): number {
    const padding = base64.endsWith('==') ? 2 : Number(base64.endsWith('='))
    const bytesPerMs = this.#isG711 ? g711BytesPerMs : pcmBytesPerMs
    return (base64.length * 0.75 - padding) / bytesPerMs / msPerToken
  }

  #seeSession(session: SocketEvent): void {
    const audio = jsonObject(session.audio)
    const input = jsonObject(audio.input)
    const transcription = jsonObject(input.transcription ?? session.input_audio_transcription)
    const format = jsonObject(jsonObject(audio.output).format).type ?? session.output_audio_format
    this.model = text(session.model) ?? this.model
    // Switched off, it may still have something to finish.
    this.transcriptionModel = text(transcription.model) ?? this.transcriptionModel
    if (format !== undefined) this.#isG711 = /g711|pcmu|pcma/.test(String(format))
    const instructionTokens = this.#tokensOf([session.instructions, session.tools])
    this.conversationTokens += instructionTokens - this.#instructionTokens
    this.#instructionTokens = instructionTokens
  }
}
