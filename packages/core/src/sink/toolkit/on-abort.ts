/**
 * Callbacks by signal. One signal serves all that waits in a send, and a list of listeners is
 * searched with each that comes and goes.
 */
const callbacks = new WeakMap<AbortSignal, Set<() => void>>()

/** Calls back once when the signal is aborted, unless the answer was called before: it ends that. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const own = callbacks.get(signal) ?? listen(signal)
  // Its own function, so that the same callback can be there twice.
  const entry = () => callback()
  own.add(entry)
  return () => {
    own.delete(entry)
    if (own.size === 0) ends.get(own)?.()
  }
}

const ends = new WeakMap<Set<() => void>, () => void>()

function listen(signal: AbortSignal): Set<() => void> {
  const own = new Set<() => void>()
  const onEvent = () => {
    for (const callback of own) callback()
  }
  signal.addEventListener('abort', onEvent)
  callbacks.set(signal, own)
  ends.set(own, () => {
    signal.removeEventListener('abort', onEvent)
    if (callbacks.get(signal) === own) callbacks.delete(signal)
  })
  return own
}
