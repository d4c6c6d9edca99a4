/**
 * Whether what a sink has not reported certainly was not sent (`Sink.reportsProgress`). By what its
 * `send` declares too: a wrapper that spreads such a sink and hands on two parameters says so as
 * well, and reports nothing.
 */
export function reportsProgress(sink: {
  readonly reportsProgress?: boolean
  readonly send: { readonly length: number }
}): boolean {
  return sink.reportsProgress === true && sink.send.length >= 3
}
