import { expect, test } from 'vitest'
import { readAll, startMetered } from './metered.ts'
import { contentAnswer, contentScript, model } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

const headers = { 'x-request-id': 'req_of_google' }

test.each(sdkMajors)(
  'records have the ids of the provider, through $major',
  async ({ GoogleGenAI }) => {
    await using run = await startMetered(GoogleGenAI)
    run.server.serve(contentAnswer, { headers })
    await run.metered.models.generateContent({ model, contents: 'hi' })
    run.server.serve(contentScript, { headers })
    await readAll(await run.metered.models.generateContentStream({ model, contents: 'hi' }))
    for (const record of run.records) {
      expect(record).toMatchObject({ responseId: 'r1', requestId: 'req_of_google' })
    }
    expect(run.records).toHaveLength(2)
  },
)
