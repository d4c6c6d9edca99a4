/** What the messages of a socket mean, in the API that it speaks. */
import {
  type ObservedCall,
  OpenStream,
  StreamObservation,
  TokenEstimate,
} from '@token-meter/core/adapter'
import { type Call, type Endpoint, jsonObject } from '@token-meter/core/wire'
import { isOfTurn, live, modelName } from '@token-meter/google/wire/live'
import {
  askedBy,
  openSocket,
  SocketAccount,
  type SocketCall,
} from '@token-meter/openai/wire/realtime'
import { errorAnswer } from '../answer/error-answer.ts'
import type { GatewayRefusal } from '../refusal.ts'
import type { AskedCall, SocketCalls } from './socket-calls.ts'

/** A message, parsed: JSON of which nothing is sure. */
export type Message = Readonly<Record<string, unknown>>

export interface SocketDialect {
  /** What a message of the caller's asks for, which a guard may refuse. */
  asked(message: Message): AskedCall | undefined
  /** The models that a message of the caller's names. */
  models(message: Message): readonly string[]
  /** A message of the upstream's. */
  see(message: Message): void
  /** The connection is gone, and with it what was under way. */
  lost(): void
  /**
   * How the caller is told that a message was not passed on; `undefined` where the API has no word for it, and the
   * socket is closed.
   */
  refusal(refusal: GatewayRefusal, message: Message, requestId: string): string | undefined
}

export interface DialectOptions {
  /** As the upstream is asked. */
  readonly url: URL
  readonly provider: string
  readonly calls: SocketCalls
  /** Tells what could not be observed, or is not metered. */
  readonly fault: (what: string, cause?: unknown) => void
}

/** What asks for a call by a URL that names its model, before there is a message. */
export function openaiProbe(url: URL): AskedCall | undefined {
  return askedBy(url, { type: 'response.create' })
}

/** Realtime, Live, and the Responses API over a socket. */
export function openaiSocket({ url, provider, calls, fault }: DialectOptions): SocketDialect {
  const observer = {
    begin: (call: Call, endpoint: Endpoint) => socketCall(calls.begin(call, endpoint)),
    tokensOf(value: unknown) {
      const estimate = new TokenEstimate()
      estimate.addStrings(value)
      return estimate.tokens
    },
    fault,
  }
  const account = new SocketAccount(url, observer, provider)
  const reader = openSocket(url, () => account)
  return {
    asked: (message) => askedBy(url, message),
    models({ model, response, session }) {
      const { audio, ...ofSession } = jsonObject(session)
      return named([
        model,
        jsonObject(response).model,
        ofSession.model,
        jsonObject(ofSession.input_audio_transcription).model,
        jsonObject(jsonObject(jsonObject(audio).input).transcription).model,
      ])
    },
    see(message) {
      if (message.type === 'error') {
        const { event_id: messageId } = jsonObject(message.error)
        calls.refused(messageId)
      }
      if (!('unmetered' in reader)) reader.see(message)
    },
    lost() {
      if (!('unmetered' in reader)) reader.lost()
    },
    refusal(refusal, { event_id: messageId = null, stream_id: lane }, requestId) {
      const { error } = JSON.parse(String(errorAnswer(refusal, 'openai', requestId).body)) as {
        readonly error: object
      }
      return JSON.stringify({
        type: 'error',
        event_id: `event_${crypto.randomUUID()}`,
        ...(lane !== undefined && { stream_id: lane }),
        status: refusal.status,
        error: { ...error, event_id: messageId },
      })
    },
  }
}

/** A call as the readers know it, whose usage is kept while it goes on. */
function socketCall(observed: ObservedCall): SocketCall {
  let latest: Parameters<NonNullable<SocketCall['grown']>> | undefined
  const open = new OpenStream(() => {
    const [readings, output] = latest ?? []
    if (readings === undefined || output === undefined || output.isEmpty) return false
    observed.keep(readings(), 'interrupted', output)
    return true
  })
  return {
    call: observed.call,
    newEstimate: () => observed.newEstimate(),
    grown(...said) {
      latest = said
      open.grown()
    },
    end(...end) {
      open.over()
      observed.end(...end)
    },
    defer: (write, forMs) => observed.defer(write, forMs),
    dismiss() {
      open.over()
      observed.dismiss()
    },
  }
}

/**
 * Gemini's Live API: what the session is held for is that of its first turn; each other has a hold of its own. It has
 * no message for what is refused.
 */
export function geminiSocket({ provider, calls }: DialectOptions): SocketDialect {
  let model: string | undefined
  let turn: StreamObservation | undefined
  /** What a turn that was stopped is known by. */
  const reading = {}
  const call = (): Call => {
    const body = model === undefined ? {} : { model }
    return { provider, endpoint: live.name, method: 'GET', body }
  }
  const end = (how: 'complete' | 'interrupted'): void => {
    turn?.end(how)
    turn = undefined
  }
  return {
    asked({ setup }) {
      if (setup === undefined) return undefined
      const { model: named } = jsonObject(setup)
      model = typeof named === 'string' ? modelName(named) : undefined
      return { endpoint: live, body: call().body }
    },
    models: ({ setup }) => named([jsonObject(setup).model]).map(modelName),
    see(message) {
      if (turn === undefined) {
        if (!isOfTurn(message)) return
        const begun = StreamObservation.open(calls.begin(call(), live))
        begun?.whenStopped(reading, () => calls.stop(begun.stopped?.reason))
        turn = begun
      }
      turn?.push(message)
      if (turn?.finished === true && !turn.awaitsUsage) end('complete')
    },
    lost: () => end('interrupted'),
    refusal: () => undefined,
  }
}

function named(names: readonly unknown[]): readonly string[] {
  return names.filter((name) => typeof name === 'string')
}
