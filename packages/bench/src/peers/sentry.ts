import { importPeer } from '../calls/module-copies.ts'
import { wrappingPeer } from './peer-sdk.ts'

interface SentryClient {
  init(): void
  on(event: 'spanEnd', listener: (span: object) => void): void
}
interface SentryServer {
  ServerRuntimeClient: new (options: object) => SentryClient
}
interface SentryCore {
  createTransport(options: object, send: () => Promise<object>): unknown
  createStackParser(): unknown
  setCurrentClient(client: SentryClient): void
  spanToJSON(span: object): object
}
interface ServerUtils {
  instrumentOpenAiClient(client: object): object
}

export const sentry = wrappingPeer('@sentry/server-utils', async (telemetry) => {
  const core = await importPeer<SentryCore>('@sentry/core')
  const { instrumentOpenAiClient } = await importPeer<ServerUtils>('@sentry/server-utils')
  const { ServerRuntimeClient } = await importPeer<SentryServer>('@sentry/core/server')
  const client = new ServerRuntimeClient({
    dsn: 'http://none@127.0.0.1:9/1',
    integrations: [],
    stackParser: core.createStackParser(),
    tracesSampleRate: 1,
    transport: (options: object) => core.createTransport(options, () => Promise.resolve({})),
  })
  core.setCurrentClient(client)
  client.init()
  client.on('spanEnd', (span) => telemetry.seen?.(core.spanToJSON(span)))
  return { wrap: (openai) => instrumentOpenAiClient(openai) }
})
