/**
 * Collects what a run left behind. Young garbage is all of it: a collection of the whole heap would
 * also throw away object shapes that compiled code was made for, and every run would begin with slow
 * code (a raw call of the OpenAI SDK took two to three times as long).
 */
export function collectYoung(): void {
  const collect = globalThis.gc as ((options: { type: 'minor' }) => void) | undefined
  // What survives two of them is old, and costs the next run nothing.
  collect?.({ type: 'minor' })
  collect?.({ type: 'minor' })
}
