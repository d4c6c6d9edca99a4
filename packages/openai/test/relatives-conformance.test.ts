import { describeProvider } from '@token-meter/testkit/suites'
import { chatSuite, promiseWays } from './chat-conformance.ts'
import { relatives } from './relatives.ts'
import type { SdkClient } from './sdk-majors.ts'

/** One SDK of each kind: of the generator's present, and of its past. */
const kinds = new Set(['together-ai', '@cerebras/cerebras_cloud_sdk, on node-fetch'])

const late = 'the SDK shows each event when the next has come'
const otherFetch = 'it sends by node-fetch, which is not the global fetch'
/** What an SDK on node-fetch makes impossible, by the name of the test. Its streams are in relatives.test.ts. */
const ofNodeFetch = {
  'left in the middle: the connection is closed at once': late,
  'aborted: ends as it does raw': late,
  'however a stream ends, and wherever: one record': late,
  'never waited for: recorded once nobody can read it any more':
    'an open connection of node-fetch holds its response',
  'a mocked fetch whose responses are of a kind that cannot be cloned disturbs nobody': otherFetch,
  'a mocked fetch whose responses are of a kind without headers disturbs nobody': otherFetch,
}

for (const { name, provider, base, newClient } of relatives) {
  if (!kinds.has(name)) continue
  const suite = chatSuite({
    served: provider,
    client: (url, apiKey) => newClient({ apiKey, baseURL: url + base, maxRetries: 0 }) as SdkClient,
    frozen: { of: (client) => client },
    ways: promiseWays,
    free: [['models.list', (client) => client.get('/v1/models'), { object: 'list', data: [] }]],
    ...(name.includes('node-fetch') && { except: ofNodeFetch }),
  })
  describeProvider<SdkClient>(name, suite)
}
