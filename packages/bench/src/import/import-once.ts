/** Imports what it is told and says what that took. Runs in a folder of its own. */
const [specifier, ...loadedBefore] = process.argv.slice(2) as [string, ...string[]]
for (const sdk of loadedBefore) await import(sdk)
globalThis.gc?.()
const { heapUsed } = process.memoryUsage()
const cpu = process.cpuUsage()
const startedAt = performance.now()
await import(specifier)
const wallMs = performance.now() - startedAt
const { user, system } = process.cpuUsage(cpu)
globalThis.gc?.()
const heapBytes = process.memoryUsage().heapUsed - heapUsed
process.send?.({ wallMs, cpuMs: (user + system) / 1000, heapBytes })
process.disconnect?.()
