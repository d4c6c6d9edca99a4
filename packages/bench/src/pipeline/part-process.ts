/** Measures one part, in a process of its own so that no other part has warmed or filled it. */
import { parts } from './parts.ts'
import type { PipelinePart } from './pipeline-figures.ts'

const [name, quick] = process.argv.slice(2)
process.send?.(await parts[name as PipelinePart]({ quick: quick === 'quick' }))
process.disconnect?.()
