import {
  type CallObserver,
  isSdkPromise,
  type ObservedCall,
  observeStream,
  StreamObservation,
} from '@token-meter/core/adapter'
import { type Call, jsonObject } from '@token-meter/core/wire'
import { batchLine, batchResults } from '../wire/batches.ts'

/**
 * Observes the download of a batch's results: each line is billed when the caller reads it, to
 * whom the customer function finds in it, else to whoever downloads. The SDK makes its decoder
 * with `_thenUnwrap`; it stays the same object.
 */
export function observeBatchDownload(
  answer: unknown,
  batchId: string,
  call: Call,
  observer: CallObserver,
): unknown {
  if (!isSdkPromise(answer)) return answer
  const endpoint = batchLine(batchId)
  const download = observer.begin(call, batchResults(seeLine), { free: true })
  // Its own usage is nothing; what is stored for it is that of its lines.
  download.dismiss()

  const { _thenUnwrap } = answer
  answer._thenUnwrap = (transform) =>
    _thenUnwrap.call(answer, (data, props) => observeLines(transform(data, props)))
  return answer

  function observeLines(decoder: unknown): unknown {
    try {
      const observation = StreamObservation.open(download)
      if (observation !== undefined) observeStream(decoder as AsyncIterable<unknown>, observation)
    } catch (cause) {
      observer.fault('the results of a batch could not be observed', cause)
    }
    return decoder
  }

  function seeLine(line: unknown): void {
    const { custom_id: customId } = jsonObject(line)
    const lineCall = { ...call, body: { ...call.body, custom_id: customId } }
    const own = observer.begin(lineCall, endpoint, { free: true })
    const payer = own.customer === null ? download.again(lineCall, endpoint) : own
    payer.respond(line)
    waitForLine(download, payer)
  }
}

/** What reads the download waits until the usage of all its lines is stored. */
function waitForLine(download: ObservedCall, line: ObservedCall): void {
  if (line.stored === undefined) return
  const earlier = download.stored
  download.stored = Promise.all([earlier, line.stored]).then(() => undefined)
}
