import {
  TokenEstimate,
  type UsageReading,
  jsonObject,
  text,
  unknownUsage,
} from '@token-meter/core/wire'
import { audioUsage } from '../usage/audio.ts'
import { RealtimeResponse } from './realtime-response.ts'
import { RecentIds } from './lost-responses.ts'
import { type SocketAccount, type SocketEvent, type SocketReader, wholeEvent } from './account.ts'

const transcribed = 'conversation.item.input_audio_transcription.completed'

/** Follows a realtime session: its responses, and the transcription of what was said to it. */
export class RealtimeReader implements SocketReader {
  readonly #account: () => SocketAccount
  readonly #session: RealtimeSession
  readonly #underWay = new Map<unknown, RealtimeResponse>()
  readonly #ended = new RecentIds()

  constructor(account: () => SocketAccount) {
    this.#account = account
    this.#session = new RealtimeSession(account().model)
  }

  see(event: SocketEvent): void {
    const { type } = event
    this.#session.see(event)
    if (type === 'response.created') this.#begin(jsonObject(event.response))
    else if (type === 'response.done') this.#done(jsonObject(event.response))
    else if (type === transcribed) this.#transcribed(event)
    else if (event.delta !== undefined) this.#underWay.get(event.response_id)?.seeDelta(event)
  }

  lost(): void {
    const underWay = [...this.#underWay]
    this.#underWay.clear()
    for (const [id, response] of underWay) {
      // Of a call that can be connected to again, its end may still come.
      if (this.#account().callId === undefined) this.#ended.isNew(id)
      response.lost()
    }
  }

  #begin(response: SocketEvent): void {
    const { id } = response
    if (typeof id !== 'string' || this.#underWay.has(id) || this.#ended.has(id)) return
    this.#underWay.set(id, new RealtimeResponse(this.#account(), this.#session, response))
  }

  #done(response: SocketEvent): void {
    if (!this.#ended.isNew(response.id)) return
    const underWay =
      this.#underWay.get(response.id) ??
      new RealtimeResponse(this.#account(), this.#session, response)
    this.#underWay.delete(response.id)
    underWay.done(response)
  }

  /** Billed on the model that transcribes, at its prices. */
  #transcribed(event: SocketEvent): void {
    const { item_id: itemId, content_index: index, usage } = event
    const key = typeof itemId === 'string' ? `${itemId} ${Number(index) || 0}` : undefined
    if (!this.#ended.isNew(key)) return
    const account = this.#account()
    const model = this.#session.transcriptionModel
    const call = account.begin(
      wholeEvent('realtime.transcription'),
      model === undefined ? {} : { model },
    )
    const output = call.newEstimate()
    output.add(event.transcript)
    const reading = { ...transcription(usage, model, account), responseId: text(itemId) }
    call.end([identified(account, key, reading)], 'complete', output)
  }
}

function transcription(
  usage: unknown,
  model: string | undefined,
  { provider }: SocketAccount,
): UsageReading {
  if (usage === undefined || usage === null) return unknownUsage(model)
  const counts = audioUsage(usage, provider)
  const unnamed = model === undefined ? ['the session did not name the model of it'] : []
  const problems = [...counts.problems, ...unnamed]
  return { ...unknownUsage(text(model)), ...counts, problems, raw: usage }
}

function identified(
  { provider, callId }: SocketAccount,
  key: string | undefined,
  reading: UsageReading,
): UsageReading {
  if (callId === undefined || key === undefined) return reading
  return { ...reading, identity: [provider, 'realtime.transcription', callId, key] }
}

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

  constructor(model: string | undefined) {
    this.model = model
  }

  see(event: SocketEvent): void {
    const { type, session, item } = event
    if (session !== undefined) this.#seeSession(jsonObject(session))
    // `added` is GA, `created` the beta; an assistant's item comes empty.
    if (type === 'conversation.item.added' || type === 'conversation.item.created') {
      this.conversationTokens += tokensOf(jsonObject(item).content)
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
    const instructionTokens = tokensOf([session.instructions, session.tools])
    this.conversationTokens += instructionTokens - this.#instructionTokens
    this.#instructionTokens = instructionTokens
  }
}

function tokensOf(value: unknown): number {
  const estimate = new TokenEstimate()
  estimate.addStrings(value)
  return estimate.tokens
}
