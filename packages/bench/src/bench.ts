/**
 * `node packages/bench/src/bench.ts`: everything that is measured, as tables.
 *
 * `--quick` is rough and without the peers; `--part calls` (or `fetch`, `pipeline`, `credits`, `import`, or a piece of
 * the pipeline: `append`, `record`, `deliver`, `marks`, `backlog`) is one part of it; `--only floor` and
 * `--sdk openai7` narrow the calls; all of the three can stand several times. `--write` renews the
 * tables in the README.
 */
import { benchOptions } from './bench-options.ts'
import { callFigures } from './calls/call-figures.ts'
import { callTables } from './calls/call-table.ts'
import { machineLine, sdkTitles } from './calls/machine.ts'
import { renewSection } from './calls/renew-section.ts'
import { targetLines } from './calls/targets.ts'
import { fetchFigures } from './fetch/fetch-figures.ts'
import { fetchLines } from './fetch/fetch-table.ts'
import { importFigures } from './import/import-figures.ts'
import { figureLines } from './pipeline/figure-lines.ts'
import { pipelineFigures } from './pipeline/pipeline-figures.ts'

const readme = new URL('../README.md', import.meta.url)
const options = optionsOrExit()
const { quick, only, sdks } = options
const machine = machineLine()

if (options.calls) {
  const rows = await callFigures({
    quick,
    ...(only && { only }),
    ...(sdks && { sdks }),
    progress: ({ sdk, subject }) => process.stderr.write(`measured: ${sdk}, ${subject}\n`),
  })
  const tables = callTables(rows, await sdkTitles())
  const targets = targetLines(rows)
  await show('calls', targets.length === 0 ? tables : [...tables, '```text', ...targets, '```'])
}
if (options.fetch) await show('fetch', fetchLines(await fetchFigures({ quick })))
if (options.pipeline.length > 0)
  await show('pipeline', figureLines(await pipelineFigures({ quick }, options.pipeline)))
if (options.credits)
  await show('credits', figureLines(await pipelineFigures({ quick }, ['credits'])))
if (options.import) await show('import', figureLines(await importFigures({ quick })))

function optionsOrExit(): ReturnType<typeof benchOptions> {
  try {
    return benchOptions(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\n`)
    process.exit(1)
  }
}

async function show(section: string, lines: readonly string[]): Promise<void> {
  const all = [`Measured ${machine}${quick ? ', with --quick' : ''}.`, '', ...lines]
  process.stdout.write(`\n${all.join('\n')}\n`)
  if (options.write) await renewSection(readme, section, all)
}
