import { collectYoung } from './collect-young.ts'
import type { Scenario } from '../server/answers.ts'
import type { AnswerServer } from '../server/start-server.ts'
import type { Api } from '../server/events.ts'
import type { ConnectOptions, Sdk } from '../sdk/sdk.ts'
import type { Subject } from '../subject/subject.ts'

/** One subject beside the raw copy of its SDK. */
export interface BenchCase {
  readonly subject: Subject
  readonly raw: Sdk
  readonly api: Api
  readonly server: AnswerServer
  readonly quick: boolean
}

/** One of the two that are compared: how it connects, calls and streams. */
export interface Side {
  readonly sdk: Sdk
  connect(scenario: Scenario, fetch?: ConnectOptions['fetch']): object
  stream(client: object): Promise<AsyncIterable<unknown>>
  /** The provider sends the usage, because it was asked to. */
  readonly includesUsage: boolean
}

export function rawSide({ raw, subject, server }: BenchCase): Side {
  const own = subject.asksForUsage === true
  return {
    sdk: raw,
    connect: (scenario, fetch) => raw.connect(connection(server, scenario, fetch)),
    stream: (client) => raw.stream(client, own),
    includesUsage: !own,
  }
}

export function subjectSide({ subject, server }: BenchCase): Side {
  const { sdk, asksForUsage = false } = subject
  return {
    sdk,
    connect: (scenario, fetch) => subject.connect(connection(server, scenario, fetch)),
    stream: (client) => sdk.stream(client, asksForUsage),
    includesUsage: true,
  }
}

function connection(
  server: AnswerServer,
  scenario: Scenario,
  fetch: ConnectOptions['fetch'],
): ConnectOptions {
  return { baseUrl: `${server.url}/${scenario}`, ...(fetch && { fetch }) }
}

/** Between two runs: what the first one left is done and collected. */
export async function settled({ subject }: BenchCase): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  await subject.settle?.()
  collectYoung()
}
