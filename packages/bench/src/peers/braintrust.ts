import { importPeer } from '../calls/module-copies.ts'
import { wrappingPeer } from './peer-sdk.ts'

interface Braintrust {
  _exportsForTestingOnly: {
    setInitialTestState(): void
    simulateLoginForTests(): Promise<unknown>
    useTestBackgroundLogger(): { drain(): Promise<unknown[]> }
  }
  initLogger(options: object): unknown
  wrapOpenAI(client: object): object
}

export const braintrust = wrappingPeer('braintrust', async (telemetry) => {
  const { _exportsForTestingOnly, initLogger, wrapOpenAI } =
    await importPeer<Braintrust>('braintrust')
  _exportsForTestingOnly.setInitialTestState()
  await _exportsForTestingOnly.simulateLoginForTests()
  const background = _exportsForTestingOnly.useTestBackgroundLogger()
  initLogger({ projectName: 'bench', projectId: 'bench' })
  return {
    wrap: (client) => wrapOpenAI(client),
    async settle() {
      const events = await background.drain()
      if (events.length > 0) telemetry.seen?.(events)
    },
  }
})
