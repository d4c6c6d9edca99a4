/**
 * An application that meters into Postgres, with a spool: `node spool-child.ts <job> <url> <schema>
 * <folder> [count]`. It says what it did in lines on stdout.
 */
import { writeSync } from 'node:fs'
import { createMeter, type Meter } from '@token-meter/core'
import { postgresOutbox } from '../src/postgres-outbox.ts'

const [, , job = '', connectionString = '', schema = '', spoolFolder = '', count = '0'] =
  process.argv

/** Written at once, so that it is out before a kill. */
function say(line: string): void {
  writeSync(1, `${line}\n`)
}

const usage = () => ({
  id: crypto.randomUUID(),
  customer: 'cus_1',
  provider: 'own',
  model: 'm',
  tokens: { input: 10, output: 2 },
})

/** Records one, and says so once it is answered as kept. */
async function keep(meter: Meter): Promise<void> {
  const one = usage()
  const began = performance.now()
  await meter.record(one)
  say(`kept ${one.id}`)
  say(`took ${Math.round(performance.now() - began)}`)
}

const jobs: Readonly<Record<string, (meter: Meter) => Promise<void>>> = {
  /** Waits for the kill. */
  record: async (meter) => {
    setInterval(() => {}, 60_000)
    for (let left = Number(count); left > 0; left--) await keep(meter)
    say('done')
    await new Promise(() => {})
  },
  /** Several at a time, for ever. */
  produce: async (meter) => {
    const line = async (): Promise<never> => {
      for (;;) {
        await keep(meter)
        await new Promise((resolve) => setTimeout(resolve, 3))
      }
    }
    await Promise.race([line(), line(), line(), line()])
  },
  /** Ends while it records. */
  exit: async (meter) => {
    const one = usage()
    void meter.record(one)
    say(`began ${one.id}`)
    process.exit(0)
  },
  /** Delivers what is there, and ends. */
  deliver: async (meter) => {
    say(`stats ${JSON.stringify(await meter.flush())}`)
    await meter.close()
  },
}

const delivers = job === 'deliver'
const meter = createMeter({
  providers: [],
  outbox: postgresOutbox({ connectionString }, { schema, spoolFolder }),
  sinks: delivers
    ? [
        async function backend(records) {
          for (const { id } of records) say(`sent ${id}`)
        },
      ]
    : [],
  onError: ({ message }) => say(`error ${message}`),
})
await jobs[job]?.(meter)
