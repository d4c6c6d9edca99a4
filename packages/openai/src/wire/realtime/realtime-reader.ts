import { type UsageReading, jsonObject, text, unknownUsage } from '@token-meter/core/wire'
import { audioUsage } from '../usage/audio.ts'
import { RealtimeSession } from './realtime-session.ts'
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
    this.#session = new RealtimeSession(account().model, (value) => account().tokensOf(value))
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
