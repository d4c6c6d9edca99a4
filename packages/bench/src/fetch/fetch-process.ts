/** Measures `meter.fetch` in a process of its own. */
import { fetchRows } from './fetch-rows.ts'

process.send?.(await fetchRows({ quick: process.argv[2] === 'quick' }))
process.disconnect?.()
