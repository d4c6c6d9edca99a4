/**
 * `node packages/bench/src/bench.ts`: everything that is measured, as tables.
 *
 * `--quick` is rough and without the peers; `--part calls` (or `pipeline`, `import`) is one part of
 * it; `--only floor` and `--sdk openai7` narrow the calls; all of the three can stand several times.
 * `--write` renews the tables in the README.
 */
import { parseArgs } from 'node:util'
import { callFigures } from './calls/call-figures.ts'
import { callTables } from './calls/call-table.ts'
import { machineLine, sdkTitles } from './calls/machine.ts'
import { renewSection } from './calls/renew-section.ts'
import type { SdkName } from './calls/sdk/sdk.ts'
import { targetLines } from './calls/targets.ts'
import { importFigures } from './import/import-figures.ts'
import { figureLines } from './pipeline/figure-lines.ts'
import { pipelineFigures } from './pipeline/pipeline-figures.ts'

const readme = new URL('../README.md', import.meta.url)
const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    part: { type: 'string', multiple: true, default: ['calls', 'pipeline', 'import'] },
    only: { type: 'string', multiple: true },
    sdk: { type: 'string', multiple: true },
  },
})
const { quick, only, sdk, part, write } = values
const machine = machineLine()

if (part.includes('calls')) {
  const rows = await callFigures({
    quick,
    ...(only && { only }),
    ...(sdk && { sdks: sdk as SdkName[] }),
    progress: ({ sdk, subject }) => process.stderr.write(`measured: ${sdk}, ${subject}\n`),
  })
  const tables = callTables(rows, await sdkTitles())
  const targets = targetLines(rows)
  await show('calls', targets.length === 0 ? tables : [...tables, '```text', ...targets, '```'])
}
if (part.includes('pipeline')) await show('pipeline', figureLines(await pipelineFigures({ quick })))
if (part.includes('import')) await show('import', figureLines(await importFigures({ quick })))

async function show(section: string, lines: readonly string[]): Promise<void> {
  const all = [`Measured ${machine}${quick ? ', with --quick' : ''}.`, '', ...lines]
  process.stdout.write(`\n${all.join('\n')}\n`)
  if (write) await renewSection(readme, section, all)
}
