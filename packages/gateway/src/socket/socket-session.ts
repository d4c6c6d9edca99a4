/** What is said over an open socket, message by message: checked, asked of the guard, and metered. */
import { handleRejection } from '@token-meter/core/adapter'
import { refusalOf } from '../answer/error-answer.ts'
import { checkModels } from '../exchange/checks.ts'
import { objectRequest } from '../exchange/reading.ts'
import type { RequestRecord } from '../exchange/request-record.ts'
import type { ExchangeSettings } from '../exchange/settings.ts'
import type { ObjectWatch } from '../objects/owned-objects.ts'
import { GatewayRefusal } from '../refusal.ts'
import { repeatedField } from '../request/body-fields.ts'
import type { AllowedSocket } from './allowed-socket.ts'
import type { AskedCall } from './socket-calls.ts'
import type { Message } from './socket-dialect.ts'
import type { Passes } from './socket-relay.ts'

export interface SessionOptions {
  readonly settings: ExchangeSettings
  readonly record: RequestRecord
  /** Says something to the caller, behind what was passed on. */
  readonly tell: (text: string) => void
  readonly close: (code: number, reason: string) => void
}

export class SocketSession {
  readonly #allowed: AllowedSocket
  readonly #options: SessionOptions
  readonly #watch: ObjectWatch | undefined

  constructor(allowed: AllowedSocket, options: SessionOptions) {
    this.#allowed = allowed
    this.#options = options
    const { route, owner } = allowed
    this.#watch = options.settings.objects?.watch(objectRequest(route, 'POST'), owner)
  }

  /** Whether a message of the caller's is passed on. */
  fromCaller(data: Buffer): Passes {
    const message = parsed(data)
    if (message === undefined) {
      if (this.#allowed.followed === undefined) return true
      // The upstream may read more than is read here: UTF-16, comments. Nobody would know what it asks for.
      this.#options.record.refusal = 'invalid_request'
      this.#options.close(unreadable, 'a message that is no JSON object')
      return false
    }
    try {
      const checked = this.#check(data, message)
      if (checked === undefined) return true
      return checked.then(
        () => true,
        (refusal: unknown) => this.#refuse(refusal, message),
      )
    } catch (refusal) {
      return this.#refuse(refusal, message)
    }
  }

  /** @throws, or rejects with, the refusal of a message. @returns nothing where it may pass at once. */
  #check(data: Buffer, message: Message): Promise<void> | undefined {
    const { route, owner, followed } = this.#allowed
    const twice = repeatedField(data, message)
    if (twice !== undefined) throw repeated(twice)
    const asked = followed?.dialect.asked(message)
    this.#checkModels(message, asked)
    const { objects } = this.#options.settings
    const request = { ...objectRequest(route, 'POST'), body: message }
    const owned = isSound(message) ? undefined : objects?.check(request, owner)
    if (asked === undefined) return owned instanceof Promise ? owned : undefined
    const ask = async () => followed?.calls.ask(asked, message.event_id)
    return owned instanceof Promise ? owned.then(ask) : ask()
  }

  #checkModels(message: Message, asked: AskedCall | undefined): void {
    const { route, caller, followed, model: ofUrl } = this.#allowed
    const { record } = this.#options
    const named = followed?.dialect.models(message) ?? []
    record.model ??= named[0] ?? null
    if (asked === undefined && named.length === 0) return
    const models = named.length === 0 && ofUrl !== undefined ? [ofUrl] : named
    const isComplete = models.length > 0
    checkModels({ ...route, kind: 'inference' }, caller, { all: models, isComplete })
  }

  #refuse(thrown: unknown, message: Message): false {
    const { settings, record, tell, close } = this.#options
    const refusal = refusalOf(thrown)
    if (refusal.status === 500) {
      settings.fault('a message of a socket could not be passed on', refusal.cause)
    }
    const told = this.#allowed.followed?.dialect.refusal(refusal, message, record.id)
    if (told !== undefined) tell(told)
    else {
      record.refusal = refusal.code
      close(closeCodeOf(refusal), refusal.code)
    }
    return false
  }

  /** A message of the upstream's is passed on once what it ends is safe. */
  fromUpstream(data: Buffer): Passes {
    const { followed } = this.#allowed
    if (followed === undefined && this.#watch === undefined) return true
    const message = parsed(data)
    if (message === undefined) return true
    try {
      this.#watch?.saw(message)
      followed?.dialect.see(message)
    } catch (cause) {
      this.#options.settings.fault('a message of a socket could not be observed', cause)
    }
    const stored = followed?.calls.settle()
    return stored === undefined ? true : stored.then(() => true)
  }

  /** A response is under way. */
  get isBusy(): boolean {
    return this.#allowed.followed?.calls.isBusy === true
  }

  /** Nothing more is said. @returns until when its usage is not safe yet; never rejects. */
  over(): Promise<unknown> | undefined {
    try {
      const { followed } = this.#allowed
      followed?.dialect.lost()
      const stored = followed?.calls.over()
      handleRejection(this.#watch?.ended())
      return stored
    } catch (cause) {
      this.#options.settings.fault('the end of a socket could not be observed', cause)
      return undefined
    }
  }
}

function repeated(name: string): GatewayRefusal {
  return new GatewayRefusal(
    400,
    'invalid_request',
    `the message has "${name}" twice: it was not passed on`,
  )
}

/** Sound alone, which names nothing. */
function isSound({ type, realtimeInput }: Message): boolean {
  return type === 'input_audio_buffer.append' || realtimeInput !== undefined
}

const utf8 = new TextDecoder()

const brace = 0x7b

function parsed(data: Buffer): Message | undefined {
  // Sound in bytes is not looked through.
  let at = data[0] === 0xef && data[1] === 0xbb && data[2] === 0xbf ? 3 : 0
  while ((data[at] ?? brace) <= 0x20) at++
  if (data[at] !== brace) return undefined
  try {
    const value: unknown = JSON.parse(utf8.decode(data))
    return typeof value === 'object' && value !== null ? (value as Message) : undefined
  } catch {
    return undefined
  }
}

/** Of data that is not what it has to be: https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1 */
const unreadable = 1007
const policyViolation = 1008

/** As the meter of an SDK closes a socket: 4402 for what nobody can pay for. */
function closeCodeOf({ status }: GatewayRefusal): number {
  return status === 402 || status === 429 ? 4000 + status : policyViolation
}
