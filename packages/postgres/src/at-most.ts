/** Resolves when the work has ended, however it ended, or after `ms`. It leaves no timer behind. */
export async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const timeIsUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  const ended = work.then(
    () => {},
    () => {},
  )
  await Promise.race([ended, timeIsUp])
  clearTimeout(timer)
}
