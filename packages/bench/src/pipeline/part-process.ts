/** Measures one part, in a process of its own so that no other part has warmed or filled it. */
import { parts } from './parts.ts'
import type { MeasuredPart } from './pipeline-figures.ts'

const [name, quick] = process.argv.slice(2)
process.send?.(await parts[name as MeasuredPart]({ quick: quick === 'quick' }))
process.disconnect?.()
