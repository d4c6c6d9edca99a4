import type { CallObserver, ObservedCall } from '@token-meter/core/adapter'
import {
  clientView,
  isOfGateway,
  providerName,
  RefusedSession,
  untilAdmitted,
} from '@token-meter/core/adapter'
import { jsonObject, type StreamReader } from '@token-meter/core/wire'
import { heardLive } from '../wire/audio.ts'

/**
 * A client for realtime transcription by its shape: `RealtimeTranscription` of
 * `@mistralai/mistralai/extra/realtime`, which opens a socket of its own for each connection.
 */
export interface MistralRealtime {
  readonly _options: object
  connect(model: string, ...rest: never[]): Promise<object>
  transcribeStream(audio: never, model: string, ...rest: never[]): object
}

/** True for what has the shape of a client for realtime transcription. */
export function isMistralRealtime(client: object): client is MistralRealtime {
  const { connect, transcribeStream, _options } = client as Partial<MistralRealtime>
  return (
    typeof connect === 'function' &&
    typeof transcribeStream === 'function' &&
    typeof _options === 'object'
  )
}

/** What the connections of a client are observed with. */
export interface RealtimeObservation {
  readonly observer: CallObserver
  /** @default who the host says */
  readonly provider: string | undefined
  /** Something of the client cannot be observed: its calls work, and are not metered. */
  fault(what: string): void
}

type Connect = (model: string, ...rest: unknown[]) => Promise<object>

/**
 * A view of the client whose connections are listened to: each transcription becomes usage of who pays for
 * the connection. The client's other methods connect by this one.
 */
export function observedRealtime<Client extends MistralRealtime>(
  client: Client,
  { observer, provider, fault }: RealtimeObservation,
): Client {
  const connected = async (
    original: Connect,
    self: object,
    args: Parameters<Connect>,
    isMock: boolean,
  ): Promise<object> => {
    // Of a socket nobody sees how its request was answered.
    if (isOfGateway(baseUrlOf(client))) return await Reflect.apply(original, self, args)
    const [model] = args
    const call = {
      provider: provider ?? providerName(baseUrlOf(client), 'mistral'),
      endpoint: heardLive.name,
      method: 'GET',
      body: { model },
    }
    // Who pays is known, or the call is refused, before anything is opened.
    const observed = observer.begin(call, heardLive)
    if (observed.admission !== undefined) await untilAdmitted(observed)
    try {
      const connection = await Reflect.apply(original, self, args)
      const { websocket } = (connection ?? {}) as Partial<Connection>
      // A spy around the method shows the same connection again, and what mocks it none.
      const isKnown = websocket === undefined ? isMock : listened.has(websocket)
      if (isKnown) observed.dismiss()
      else listen(websocket, observed, observer)
      return connection
    } catch (error) {
      observed.dismiss()
      throw error
    }
  }
  return clientView(client, {
    fault,
    replacement(target, name, value) {
      if (name !== 'connect' || typeof value !== 'function') return undefined
      const isMock = Object.hasOwn(target, name)
      return () =>
        new Proxy(value as Connect, {
          apply: (original, self: object, args: Parameters<Connect>) =>
            connected(original, self, args, isMock),
        })
    },
  })
}

const listened = new WeakSet<object>()

function baseUrlOf(client: object): string {
  const { _baseURL: url } = client as { readonly _baseURL?: unknown }
  return url instanceof URL ? url.href : ''
}

type Socket = Pick<WebSocket, 'addEventListener' | 'close'>

/** What the SDK's connection has inside. */
interface Connection {
  readonly websocket: Partial<Socket>
}

function listen(
  websocket: Partial<Socket> | undefined,
  first: ObservedCall,
  observer: CallObserver,
): void {
  if (typeof websocket?.addEventListener !== 'function') {
    first.dismiss()
    return observer.fault(
      'a realtime transcription cannot be observed: its socket is not where it was',
    )
  }
  listened.add(websocket)
  const refused = new RefusedSession(
    (what, cause) => observer.fault(what, cause),
    (code, reason) => websocket.close?.(code, reason),
  )
  let call = first
  let output = call.newEstimate()
  let reader = open(call, output)
  let hasBegun = false
  let isOver = false
  // The connection can go on with another transcription, which is held for once it begins.
  const goOn = (): void => {
    isOver = false
    call = refused.watch(call.next(call.call, call.endpoint))
    output = call.newEstimate()
    reader = open(call, output)
  }
  const guarded = (work: () => void): void => {
    try {
      work()
    } catch (cause) {
      call.fault('an event of a realtime transcription could not be observed', cause)
    }
  }
  websocket.addEventListener('message', ({ data }: MessageEvent) =>
    guarded(() => {
      const event = parsed(data)
      const isOfIt = String(event['type']).startsWith('transcription.')
      if (isOver && !isOfIt) return
      if (isOver) goOn()
      hasBegun ||= isOfIt
      reader.push(event)
      if (!reader.finished) return
      call.end(reader.readings(), 'complete', output)
      hasBegun = false
      isOver = true
    }),
  )
  websocket.addEventListener('close', () =>
    guarded(() => {
      if (hasBegun) call.end(reader.readings(), 'interrupted', output)
      else call.dismiss()
    }),
  )
}

function open(call: ObservedCall, output: ReturnType<ObservedCall['newEstimate']>): StreamReader {
  return heardLive.openStream?.(call.call, output, {}) as StreamReader
}

/** An event as the server sent it: the SDK reads text, and bytes of it. */
function parsed(data: unknown): Readonly<Record<string, unknown>> {
  const text = typeof data === 'string' ? data : new TextDecoder().decode(data as ArrayBuffer)
  return jsonObject(JSON.parse(text))
}
