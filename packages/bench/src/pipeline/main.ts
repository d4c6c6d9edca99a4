/** `node packages/bench/src/pipeline/main.ts [--quick] [append|record|deliver|backlog ...]` */
import { parseArgs } from 'node:util'
import { figureLines } from './figure-lines.ts'
import { partNames, pipelineFigures } from './pipeline-figures.ts'

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const names = positionals.length > 0 ? positionals : partNames
process.stdout.write(`${figureLines(await pipelineFigures(values, names)).join('\n')}\n`)
