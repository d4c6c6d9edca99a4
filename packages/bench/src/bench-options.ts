import { parseArgs } from 'node:util'
import { sdkNames, type SdkName } from './calls/sdk/sdk.ts'
import { pipelineParts, type PipelinePart } from './pipeline/pipeline-figures.ts'

/** What is measured, and how. */
export interface BenchOptions {
  /** Rough, and without the peers. */
  readonly quick: boolean
  /** Renews the tables in the README. */
  readonly write: boolean
  readonly calls: boolean
  /** `meter.fetch`. */
  readonly fetch: boolean
  /** In the order of the flow. */
  readonly pipeline: readonly PipelinePart[]
  /** What prepaid credit adds. */
  readonly credits: boolean
  readonly import: boolean
  /** Parts of the names of subjects. */
  readonly only: readonly string[] | undefined
  readonly sdks: readonly SdkName[] | undefined
}

const sections = ['calls', 'fetch', 'pipeline', 'credits', 'import']

/**
 * Reads the command line.
 * @throws Error for a part or an SDK that does not exist, and for `--write` with a piece of a table.
 */
export function benchOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      part: { type: 'string', multiple: true, default: sections },
      only: { type: 'string', multiple: true },
      sdk: { type: 'string', multiple: true },
    },
  })
  const { quick, write, part, only, sdk } = values
  checkEach('--part', part, [...sections, ...pipelineParts])
  if (sdk !== undefined) checkEach('--sdk', sdk, sdkNames)
  const pipeline = part.includes('pipeline')
    ? pipelineParts
    : pipelineParts.filter((name) => part.includes(name))
  if (write && pipeline.length > 0 && pipeline.length < pipelineParts.length)
    throw new Error('--write renews whole tables: measure --part pipeline, or leave out --write')
  return {
    quick,
    write,
    calls: part.includes('calls'),
    fetch: part.includes('fetch'),
    pipeline,
    credits: part.includes('credits'),
    import: part.includes('import'),
    only,
    sdks: sdk as readonly SdkName[] | undefined,
  }
}

function checkEach(option: string, given: readonly string[], known: readonly string[]): void {
  for (const name of given)
    if (!known.includes(name))
      throw new Error(`${option} ${name} does not exist; there are ${known.join(', ')}`)
}
