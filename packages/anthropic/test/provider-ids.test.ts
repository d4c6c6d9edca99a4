import { expect, test } from 'vitest'
import { startMetered } from './metered.ts'
import { message, messageScript, request } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

const headers = { 'x-request-id': '', 'request-id': 'req_of_anthropic' }

test.each(sdkMajors)(
  'records have the ids of the provider, through $major',
  async ({ Anthropic }) => {
    await using run = await startMetered(Anthropic)
    run.server.serve(message, { headers })
    await run.metered.messages.create(request)
    run.server.serve(messageScript, { headers })
    for await (const _ of await run.metered.messages.create({ ...request, stream: true }));
    const results_url = `${run.server.url}/v1/messages/batches/batch_1/results`
    const line = { custom_id: 'mine-1', result: { type: 'succeeded', message } }
    run.server.serve({ id: 'batch_1', processing_status: 'ended', results_url })
    run.server.serve(Buffer.from(JSON.stringify(line)), {
      headers: { 'content-type': 'application/x-jsonl' },
    })
    for await (const _ of await run.metered.messages.batches.results('batch_1'));
    expect(run.records.map(({ responseId, requestId }) => [responseId, requestId])).toEqual([
      [message.id, 'req_of_anthropic'],
      [expect.stringMatching(/^msg_/), 'req_of_anthropic'],
      [message.id, 'mine-1'],
    ])
  },
)
