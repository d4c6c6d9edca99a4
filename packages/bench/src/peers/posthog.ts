import { importPeer } from '../calls/module-copies.ts'
import type { SdkClass } from '../calls/sdk/sdk.ts'
import type { SubjectDefinition } from '../calls/subject/subject.ts'
import { loadPeerSdk } from './peer-sdk.ts'

interface PostHogNode {
  PostHog: new (key: string, options: object) => Record<string, unknown>
}

/** A subclass of the client of `openai` 6, the one major it imports. */
export const posthog: SubjectDefinition = {
  name: '@posthog/ai',
  isPeer: true,
  sdks: ['openai6'],
  async load(name, telemetry) {
    const sdk = await loadPeerSdk(name)
    const { PostHog } = await importPeer<PostHogNode>('posthog-node')
    const { OpenAI } = await importPeer<{ OpenAI: SdkClass }>('@posthog/ai/openai')
    const client = new PostHog('phc_none', { host: 'http://127.0.0.1:9', flushAt: 1e9 })
    for (const capture of ['capture', 'captureImmediate']) {
      client[capture] = (event: unknown) => telemetry.seen?.(event)
    }
    return {
      sdk,
      connect: (options) => sdk.connect({ ...options, Client: OpenAI, more: { posthog: client } }),
    }
  },
}
