const unfinished = new Set(['queued', 'in_progress'])

/** True for a response that is still being made. */
export function isUnfinished(status: unknown): boolean {
  return unfinished.has(String(status))
}
