#!/usr/bin/env node
/** `npx @token-meter/testkit stripe`: a billing backend on this machine, and what arrives at it. */
import { parseArgs } from 'node:util'
import { standIns, type StandIn } from './stand-in/stand-ins.ts'
import { runStandIn } from './stand-in/run-stand-in.ts'

const names = Object.keys(standIns).join(', ')

const help = `A billing backend on this machine, to send usage to while you build. Nothing leaves it.

  npx @token-meter/testkit <backend> [options]

  <backend>      ${names}

  --port N       where it listens, on 127.0.0.1            (default: any free port)
  --key KEY      the key that it accepts                   (default: a made-up test key)
  --json         one JSON object a line, for programs
  --help         this text

It prints its URL, its key and the sink to use, then every request with its events, and the sums of
all of it when it ends (Ctrl+C). It keeps everything in memory.
`

/** What was asked for on the command line, or why that makes no sense. */
function ordered(): Order | { readonly wrong: string } | undefined {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      port: { type: 'string' },
      key: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  const [name, ...more] = positionals
  if (name === undefined) return { wrong: `name a backend: ${names}` }
  const standIn = Object.hasOwn(standIns, name) ? standIns[name] : undefined
  if (standIn === undefined) return { wrong: `there is no backend "${name}", but ${names}` }
  if (more.length > 0) return { wrong: `one backend at a time, not also ${more.join(', ')}` }
  const port = Number(values.port ?? 0)
  if (!/^\d+$/.test(values.port ?? '0') || port > 65_535) {
    return { wrong: `--port takes a number from 0 to 65535, not "${values.port}"` }
  }
  if (values.key === '') return { wrong: '--key takes a key, not an empty text' }
  return { standIn, port, key: values.key, asJson: values.json }
}

interface Order {
  readonly standIn: StandIn
  readonly port: number
  readonly key: string | undefined
  readonly asJson: boolean
}

function refuse(why: string): void {
  process.stderr.write(`token-meter-testkit: ${why}\nSee npx @token-meter/testkit --help\n`)
  process.exitCode = 2
}

async function main(): Promise<void> {
  let order: ReturnType<typeof ordered>
  try {
    order = ordered()
  } catch (error) {
    // An option that is not known, in Node's own words.
    return refuse((error as Error).message)
  }
  if (order === undefined) return void process.stdout.write(help)
  if ('wrong' in order) return refuse(order.wrong)
  const { standIn, ...options } = order
  try {
    await runStandIn(standIn, options)
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
    const why = isTaken
      ? `port ${options.port} is taken: name another with --port, or leave it out for a free one`
      : `could not start: ${(error as Error).message}`
    process.stderr.write(`token-meter-testkit: ${why}\n`)
    process.exitCode = 1
  }
}

await main()
