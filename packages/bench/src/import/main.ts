/** `node packages/bench/src/import/main.ts [--quick]` */
import { parseArgs } from 'node:util'
import { figureLines } from '../pipeline/figure-lines.ts'
import { importFigures } from './import-figures.ts'

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } })
process.stdout.write(`${figureLines(await importFigures(values)).join('\n')}\n`)
