/**
 * Keeps what it is given alive as long as itself. Were the streams and answers of a run collected
 * before the next, so would be the object shapes that the compiled code was made for, and each run
 * would begin with slow code: what no program sees that makes calls all the time.
 */
export function keepShapes(): (value: unknown) => void {
  const kept: unknown[] = []
  return (value) => void kept.push(value)
}
