import { DatabaseSync, StatementSync } from 'node:sqlite'

const runs = ['run', 'get', 'all', 'iterate'] as const

/** How often a statement is run while this works. */
export async function statementsOf(work: () => unknown): Promise<number> {
  let count = 0
  const counted = <Method extends (...parameters: never[]) => unknown>(original: Method) =>
    function (this: unknown, ...parameters: never[]): unknown {
      count++
      return original.apply(this, parameters)
    }
  const statement = StatementSync.prototype as unknown as Record<string, () => unknown>
  const database = DatabaseSync.prototype as unknown as Record<string, () => unknown>
  const originals = runs.map((name) => [statement, name, statement[name]] as const)
  const all = [...originals, [database, 'exec', database['exec']] as const]
  for (const [prototype, name, original] of all) {
    if (original !== undefined) prototype[name] = counted(original)
  }
  try {
    await work()
  } finally {
    for (const [prototype, name, original] of all) {
      if (original !== undefined) prototype[name] = original
    }
  }
  return count
}
