/**
 * CPU time of the whole process that the work takes, in µs: the threads that collect garbage are in
 * it, other processes of the machine and the waiting for the server are not.
 */
export async function cpuTime(work: () => Promise<void>): Promise<number> {
  const start = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(start)
  return user + system
}

/** Time on the wall that the work takes, in µs. */
export async function wallTime(work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) * 1000
}
