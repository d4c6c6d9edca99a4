const foreignWindowMs = 24 * 60 * 60 * 1000

/**
 * True for a time, in Unix seconds, that is at most a day ago. What another process created is
 * billed when it is asked for within this time; later it may just be looked up again.
 */
export function isRecent(unixSeconds: unknown): boolean {
  return typeof unixSeconds === 'number' && Date.now() - unixSeconds * 1000 < foreignWindowMs
}
