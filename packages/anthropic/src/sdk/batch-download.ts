import {
  httpHeaders,
  isSdkPromise,
  type ObservedCall,
  observeStream,
  type RequestContext,
  StreamObservation,
} from '@token-meter/core/adapter'
import type { StreamReader, WireOperation } from '@token-meter/core/wire'

/**
 * Observes the download of a batch's results: each line is billed when the caller reads it. The SDK
 * makes its decoder of the lines with `_thenUnwrap`; it stays the same object.
 */
export function observeBatchDownload(
  answer: unknown,
  { endpoint, ...operation }: WireOperation<ObservedCall>,
  context: RequestContext,
): unknown {
  if (!isSdkPromise(answer)) return answer
  const openStream = () => new LineReader(download)
  const download = context.begin({ ...operation, endpoint: { ...endpoint, openStream } }, 'GET')
  // Its own usage is nothing; what is stored for it is that of its lines.
  download.dismiss()

  const { _thenUnwrap } = answer
  answer._thenUnwrap = (transform) =>
    _thenUnwrap.call(answer, (data, props) => {
      download.headers ??= httpHeaders(props.response.headers)
      return observeLines(transform(data, props))
    })
  return answer

  function observeLines(decoder: unknown): unknown {
    try {
      const observation = StreamObservation.open(download)
      if (observation !== undefined) observeStream(decoder as AsyncIterable<unknown>, observation)
    } catch (cause) {
      download.fault('the results of a batch could not be observed', cause)
    }
    return decoder
  }
}

/** Each line is a part of the download, as the decoder gives it; what reads it waits until all are stored. */
class LineReader implements StreamReader {
  readonly rewrites = false
  readonly finished = false
  readonly usageSeen = false
  readonly #download: ObservedCall

  constructor(download: ObservedCall) {
    this.#download = download
  }

  push(line: unknown): unknown {
    const { parts } = this.#download
    parts?.see(line)
    this.#download.stored = parts?.stored
    return line
  }

  readings(): readonly [] {
    return []
  }
}
