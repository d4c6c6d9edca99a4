import { fork } from 'node:child_process'
import { join } from 'node:path'
import type { Figure, FigureOptions } from './figure.ts'

/** In the order of the flow; each is measured in a process of its own. */
export const pipelineParts = ['append', 'record', 'deliver', 'marks', 'backlog'] as const

export type PipelinePart = (typeof pipelineParts)[number]

/** What is measured in a process of its own. */
export type MeasuredPart = PipelinePart | 'credits'

/**
 * Append latency, rates of recording and delivery, what marks cost, growth with the backlog; and beside
 * them what credits cost. A part that fails is a row that says so, and takes no other with it.
 */
export async function pipelineFigures(
  options: FigureOptions,
  names: readonly MeasuredPart[],
): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const name of names) figures.push(...(await figuresOf(name, options)))
  return figures
}

function figuresOf(part: string, { quick }: FigureOptions): Promise<readonly Figure[]> {
  return new Promise((resolve) => {
    const script = join(import.meta.dirname, 'part-process.ts')
    const child = fork(script, [part, ...(quick ? ['quick'] : [])], {
      execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning'],
    })
    child.once('message', (figures) => resolve(figures as Figure[]))
    child.once('exit', (code) => {
      const note = `it ended with ${code}; see the output above`
      resolve([{ group: part, name: 'failed', value: Number.NaN, unit: '', note }])
    })
  })
}
