import { createRequire } from 'node:module'
import * as esm from '@openmeter/sdk'
import { startFakeOpenMeter } from '@token-meter/testkit'
import { expect, test } from 'vitest'

// Both builds of this package load the SDK as their own kind of module.
const cjs = createRequire(import.meta.url)('@openmeter/sdk') as typeof esm

test.each([
  ['ESM', esm],
  ['CommonJS', cjs],
])('the SDK as %s ingests what it is given and adds nothing', async (_, { OpenMeter }) => {
  await using fake = await startFakeOpenMeter()
  const event = {
    specversion: '1.0',
    id: 'e1',
    source: 'here',
    type: 'tokens',
    subject: 'cus_1',
    time: new Date('2026-11-21T10:20:30.456Z'),
    data: { tokens: 1 },
  }
  await new OpenMeter({ baseUrl: fake.url, apiKey: fake.apiKey }).events.ingest([event])
  expect(JSON.parse(fake.requests[0]?.rawBody ?? '')).toEqual([
    { ...event, time: '2026-11-21T10:20:30.456Z' },
  ])
})
