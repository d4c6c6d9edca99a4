/** Measures one part, in a process of its own so that no other part has warmed or filled it. */
import { parts } from './parts.ts'

const [name = '', quick] = process.argv.slice(2)
const part = parts[name]
if (part === undefined) throw new Error(`no part is called "${name}"`)
process.send?.(await part({ quick: quick === 'quick' }))
process.disconnect?.()
