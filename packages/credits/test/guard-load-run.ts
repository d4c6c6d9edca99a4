/**
 * The load of `guard-load.test.ts` at full size: 64, 256 and 1,000 callers in 1 and 4 processes, a line each.
 * `npx -y pnpm@12 exec node packages/credits/test/guard-load-run.ts [callers ...]`
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { allInput, boundedOutput, exactly, expectedCalls, type Load, load } from './guard-load.ts'

const sizes = process.argv.slice(2).map(Number)
const folder = mkdtempSync(join(tmpdir(), 'token-meter-load-'))
let files = 0

async function inFile(wanted: Load) {
  const path = join(folder, `${++files}.db`)
  const outbox = sqliteOutbox(path)
  const began = performance.now()
  const result = await load(outbox, { path }, wanted)
  await outbox.close()
  return { ...result, seconds: Math.round((performance.now() - began) / 100) / 10 }
}

for (const callers of sizes.length > 0 ? sizes : [64, 256, 1000]) {
  for (const processes of [1, 4]) {
    const shape = { callers, processes }
    const all = {
      [`exactly (${expectedCalls})`]: await inFile({ ...exactly, ...shape }),
      control: await inFile({ ...exactly, ...shape, isControl: true }),
      bound: await inFile({ ...boundedOutput, ...shape }),
      'not capped': await inFile({ ...allInput, ...shape }),
    }
    console.log(`${callers} callers in ${processes} processes, in millionths of a dollar`)
    console.table(all)
  }
}
rmSync(folder, { recursive: true })
