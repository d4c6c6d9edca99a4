import { fork } from 'node:child_process'
import { once } from 'node:events'
import { installedVersion, installPeers } from '../peers/install-peers.ts'
import type { CallRow, SubjectReport } from './report.ts'
import { sdkNames, type SdkName } from './sdk/sdk.ts'
import { subjects } from './subjects.ts'
import type { SubjectDefinition } from './subject/subject.ts'

export interface CallFigureOptions {
  /** Few pairs: the figures are rough. Without `only`, the peers are left out too. */
  readonly quick: boolean
  /** Parts of the names of the subjects to measure. @default all */
  readonly only?: readonly string[]
  /** @default all */
  readonly sdks?: readonly SdkName[]
  /** Told of each row as it comes. */
  readonly progress?: (row: CallRow) => void
}

/** How long one subject may take, in ms. */
const subjectTimeoutMs = 240_000

/** Measures every subject on every SDK that it supports, each in a process of its own. */
export async function callFigures(options: CallFigureOptions): Promise<CallRow[]> {
  const { quick, only, sdks = sdkNames, progress } = options
  const chosen = subjects.filter(({ name, isPeer }) =>
    only === undefined ? !(quick && isPeer) : only.some((part) => name.includes(part)),
  )
  const problem = chosen.some(({ isPeer }) => isPeer) ? await installPeers() : undefined
  const rows: CallRow[] = []
  for (const sdk of sdks) {
    for (const definition of chosen.filter((each) => each.sdks.includes(sdk))) {
      const row = await measure(definition, sdk, quick, problem)
      progress?.(row)
      rows.push(row)
    }
  }
  return rows
}

async function measure(
  { name, isPeer }: SubjectDefinition,
  sdk: SdkName,
  quick: boolean,
  problem: string | undefined,
): Promise<CallRow> {
  const version = isPeer ? await installedVersion(name) : undefined
  const row = { sdk, subject: name, isPeer, ...(version !== undefined && { version }) }
  if (isPeer && version === undefined) {
    return { ...row, figures: {}, failures: { load: problem ?? 'it does not install' } }
  }
  return { ...row, ...(await inProcess([sdk, name, quick ? 'quick' : 'full'])) }
}

async function inProcess(args: readonly string[]): Promise<SubjectReport> {
  const child = fork(new URL('subject-process.ts', import.meta.url), args, {
    // Threads that collect in parallel spin while they wait for a CPU, and that would count.
    execArgv: ['--expose-gc', '--single-threaded-gc', ...profiling()],
    // Peers print warnings of their own.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    timeout: subjectTimeoutMs,
  })
  let printed = ''
  child.stderr?.on('data', (text: Buffer) => (printed = (printed + String(text)).slice(-300)))
  const died = once(child, 'close').then(([code]): SubjectReport => ({
    figures: {},
    failures: { load: `its process ended with ${String(code)}: ${printed.trim()}` },
  }))
  const reported = once(child, 'message').then(([report]) => report as SubjectReport)
  return Promise.race([reported, died])
}

/** `BENCH_PROFILE=folder` writes a CPU profile of each subject into it. */
function profiling(): string[] {
  const folder = process.env['BENCH_PROFILE']
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`]
}
