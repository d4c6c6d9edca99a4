// `pnpm crash -- --kills 1000 --outbox sqlite --seed 42`: docs/crash-run.md.
import { startPostgres } from '../internal/postgres-server.ts'
import { crashCommand, usage } from './crash-command.ts'
import { crashRun } from './crash-run.ts'
import { reportLines } from './report-lines.ts'

const command = crashCommand(process.argv.slice(2))
if (typeof command === 'string') {
  console.error(`${command}\n\n${usage}`)
  process.exit(2)
}
const { kills, outbox, seed, api, aggregate } = command
const what = `${outbox}, Stripe ${api}${aggregate ? ', aggregated' : ''}`
console.log(`${kills} kills, ${what}, seed ${seed}`)
const postgres = outbox === 'postgres' ? await startPostgres() : undefined
try {
  const report = await crashRun({
    kills,
    seed,
    api,
    aggregate,
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
