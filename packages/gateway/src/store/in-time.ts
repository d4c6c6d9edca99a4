/** For how long a caller waits for a store, in ms. */
const mostMs = 2_000

/**
 * A store may neither answer nor fail, as a database that is stopped does.
 *
 * @throws what the store says; an error of its own where it says nothing in time.
 */
export async function inTime<Value>(reading: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${mostMs} ms`)), mostMs)
  })
  try {
    return await Promise.race([reading, late])
  } finally {
    clearTimeout(timer)
  }
}
