import { expect, test } from 'vitest'
import { startMetered } from './metered.ts'
import { message } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

test.each(sdkMajors)(
  'a POST that nobody knows is reported once, where it answers usage; @anthropic-ai/sdk $version',
  async ({ version, Anthropic }) => {
    await using run = await startMetered(Anthropic)
    run.server.serve(message, { times: 4 })
    // Said once in a process: each version has a path of its own.
    const path = `/v1/unknown${'x'.repeat(sdkMajors.findIndex((each) => each.version === version))}/run`
    expect(await run.metered.post(path, { body: {} })).toEqual(message)
    await run.metered.post(path, { body: {} })
    // Counted, or told in another way.
    await run.metered.post('/v1/messages/count_tokens', { body: {} })
    await run.metered.post('/v1/files', { body: {} })
    expect(run.records).toEqual([])
    expect(run.errors.map(({ message: told }) => told)).toEqual([
      expect.stringContaining(`POST ${path}`) as string,
    ])
  },
)
