import { loadOpenAI } from '../calls/sdk/openai.ts'
import type { Sdk, SdkName } from '../calls/sdk/sdk.ts'
import type { SubjectDefinition, Subject, Telemetry } from '../calls/subject/subject.ts'

/** The majors of `openai` that the peers are measured on, as their folder has them. */
const peerNames: Partial<Record<SdkName, string>> = { openai6: 'openai', openai7: 'openai7' }

/** The SDK that a peer observes: the copy that the peer itself would import. */
export function loadPeerSdk(name: SdkName): Promise<Sdk> {
  return loadOpenAI(peerNames[name] ?? name, 'peers')
}

/** A peer that returns an observed client for a client. */
export function wrappingPeer(
  name: string,
  load: (
    telemetry: Telemetry,
  ) => Promise<Pick<Required<Subject>, 'wrap'> & Pick<Subject, 'settle'>>,
): SubjectDefinition {
  return peer(name, async (sdk, telemetry) => {
    const wrapping = await load(telemetry)
    return { ...wrapping, connect: (options) => wrapping.wrap(sdk.connect(options)) }
  })
}

/** A peer that patches the SDK's classes, of every client in the process. */
export function patchingPeer(
  name: string,
  patch: (sdk: Sdk, telemetry: Telemetry) => Promise<void>,
): SubjectDefinition {
  return peer(name, async (sdk, telemetry) => {
    await patch(sdk, telemetry)
    return { connect: (options) => sdk.connect(options) }
  })
}

function peer(
  name: string,
  load: (sdk: Sdk, telemetry: Telemetry) => Promise<Omit<Subject, 'sdk'>>,
): SubjectDefinition {
  return {
    name,
    isPeer: true,
    sdks: ['openai7', 'openai6'],
    async load(sdkName, telemetry) {
      const sdk = await loadPeerSdk(sdkName)
      return { sdk, ...(await load(sdk, telemetry)) }
    },
  }
}
