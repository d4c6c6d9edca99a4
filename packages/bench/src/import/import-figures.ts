import { fork } from 'node:child_process'
import { join } from 'node:path'
import type { Figure, FigureOptions } from '../pipeline/figure.ts'
import { median } from '../pipeline/measured.ts'
import { stagePackages, type StagedEntry } from './staged-packages.ts'

interface Import {
  readonly wallMs: number
  readonly cpuMs: number
  readonly heapBytes: number
}

/** What is imported, and what is loaded already when the clock starts. */
interface Case {
  readonly name: string
  readonly modules: readonly string[]
}

/** What the first `import` of each entry takes, each time in a new process. */
export async function importFigures({ quick }: FigureOptions): Promise<Figure[]> {
  using staged = await stagePackages()
  const script = staged.script(join(import.meta.dirname, 'import-once.ts'))
  const cases = casesOf(staged.entries)
  const imports = new Map(cases.map(({ name }) => [name, [] as Import[]]))
  // Round by round, so that a busy moment of the machine is spread over all of them.
  for (let round = 0; round < (quick ? 3 : 15); round++) {
    for (const { name, modules } of cases) {
      imports.get(name)?.push(await importOnce(script, staged.folder, modules))
    }
  }
  return [...imports].flatMap(([name, runs]) => {
    const of = (value: (run: Import) => number) => median(runs.map(value))
    const row = { group: 'import', name }
    const note = `CPU ${of(({ cpuMs }) => cpuMs).toFixed(1)} ms, median of ${runs.length}`
    return [
      { ...row, value: of(({ wallMs }) => wallMs), unit: 'ms', note },
      { ...row, value: of(({ heapBytes }) => heapBytes) / 1024, unit: 'KiB heap', note: '' },
    ]
  })
}

function casesOf(entries: readonly StagedEntry[]): Case[] {
  const sdks = new Set(entries.flatMap(({ sdks }) => sdks))
  return [
    ...[...sdks].map((sdk) => ({ name: sdk, modules: [sdk] })),
    ...entries.map(({ specifier, sdks }) => ({
      name: sdks.length > 0 ? `${specifier}, after ${sdks.join(', ')}` : specifier,
      modules: [specifier, ...sdks],
    })),
  ]
}

function importOnce(script: string, cwd: string, modules: readonly string[]): Promise<Import> {
  return new Promise((resolve, reject) => {
    const execArgv = ['--expose-gc', '--disable-warning=ExperimentalWarning']
    const child = fork(script, modules, { cwd, execArgv })
    child.once('message', (answer) => resolve(answer as Import))
    child.once('exit', (code) => reject(new Error(`import of ${modules[0]} ended with ${code}`)))
  })
}
