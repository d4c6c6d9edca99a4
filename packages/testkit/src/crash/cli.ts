// `pnpm crash -- --kills 1000 --outbox sqlite --seed 42`: docs/crash-run.md.
import { parseArgs } from 'node:util'
import type { StripeApi } from '@token-meter/stripe'
import { reportLines } from './crash-report.ts'
import { crashRun } from './crash-run.ts'
import { startCrashPostgres } from './crash-postgres.ts'

const { values } = parseArgs({
  // pnpm hands its own separator on.
  args: process.argv.slice(2).filter((argument) => argument !== '--'),
  options: {
    kills: { type: 'string', default: '1000' },
    outbox: { type: 'string', default: 'sqlite' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    api: { type: 'string', default: 'v2' },
  },
})
const kills = Number(values.kills)
if (!Number.isSafeInteger(kills) || kills < 1) throw new Error('--kills takes a number from 1 up')
if (!['sqlite', 'postgres'].includes(values.outbox)) {
  throw new Error('--outbox takes sqlite or postgres')
}
if (!['v1', 'v2', 'stream'].includes(values.api)) throw new Error('--api takes v1, v2 or stream')

const { seed } = values
const api = values.api as StripeApi
console.log(`${kills} kills on ${values.outbox}, Stripe ${api}, seed ${seed}`)
const postgres = values.outbox === 'postgres' ? await startCrashPostgres() : undefined
try {
  const report = await crashRun({
    kills,
    seed,
    api,
    ...(postgres && { outbox: { kind: 'postgres', url: postgres.url } }),
    onKill: (count) => {
      if (count % 50 === 0) console.log(`${count} of ${kills} kills`)
    },
  })
  console.log(reportLines(report))
  if (report.problems.length > 0) process.exitCode = 1
} finally {
  await postgres?.stop()
}
