import { once } from 'node:events'
import type { FakeRequest } from '../http/fake-request.ts'
import type { RunningStandIn, StandIn } from './stand-ins.ts'

export interface RunOptions {
  /** 0: any that is free. */
  readonly port: number
  readonly key: string | undefined
  /** One JSON object a line. */
  readonly asJson: boolean
}

/**
 * Starts a stand-in, prints where it is and what arrives, and the sums at its end: SIGINT or SIGTERM.
 * @throws the system's error where it cannot listen.
 */
export async function runStandIn(standIn: StandIn, options: RunOptions): Promise<void> {
  const { port, key, asJson } = options
  const ended = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  let onRequest = (_request: FakeRequest): void => {}
  const backend = await standIn.start({ port, key, onRequest: (request) => onRequest(request) })
  const show = asJson ? jsonLines() : textLines(backend)
  const known = new WeakSet<object>()
  onRequest = (request) => {
    const fresh = backend.events().filter((event) => !known.has(event))
    for (const event of fresh) known.add(event)
    show.request(request, fresh)
  }
  show.start(standIn, backend)
  await ended
  // Before the sums, which then hold all that was answered.
  await backend.server.close()
  show.end(backend.billed())
  if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain')
}

/** How it is shown. */
interface Show {
  start(standIn: StandIn, backend: RunningStandIn): void
  request(request: FakeRequest, events: readonly object[]): void
  end(billed: readonly object[]): void
}

function textLines({ describe }: RunningStandIn): Show {
  return {
    start: ({ title }, { server, key, sink }) => {
      print(`${title} stand-in on ${server.url}, key ${key}`)
      print(`  ${sink}`)
      print('Ctrl+C ends it and shows the sums.\n')
    },
    request: ({ method, path, status }, events) => {
      print(`${method} ${path} ${status ?? 'no answer'}`)
      for (const event of events) print(`  ${describe(event).join('  ')}`)
    },
    end: (billed) => {
      print(billed.length === 0 ? '\nNothing was billed.' : '\nBilled:')
      for (const row of billed) print(`  ${Object.values(row).join('  ')}`)
    },
  }
}

function jsonLines(): Show {
  const line = (fields: object) => print(JSON.stringify(fields))
  return {
    start: (_, { server, key }) => line({ url: server.url, key }),
    request: ({ method, path, status }, events) => line({ method, path, status, events }),
    end: (billed) => line({ billed }),
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
