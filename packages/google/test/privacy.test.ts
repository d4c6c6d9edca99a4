import { describe, expect, test } from 'vitest'
import { memoryOutbox } from '../src/index.ts'
import { readAll, startMetered, until } from './metered.ts'
import { contentAnswer, contentScript, interaction, interactionScript, model } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

const secret = 'the-secret-words'

describe.each(sdkMajors)('genai $major', ({ GoogleGenAI }) => {
  test('no text of the conversation is in a record, an error or the outbox', async () => {
    const kept: unknown[] = []
    const outbox = memoryOutbox()
    const watched = {
      ...outbox,
      append: (records: never) => {
        kept.push(structuredClone(records))
        return outbox.append(records)
      },
    }
    await using run = await startMetered(GoogleGenAI, { outbox: watched })
    const told = (answer: object): never =>
      JSON.parse(JSON.stringify(answer).replaceAll('Hello', secret)) as never
    const odd = told({ ...contentAnswer, usageMetadata: { promptTokenCount: secret } })
    run.server.serve(told(contentAnswer))
    run.server.serve(told([...contentScript]))
    run.server.serve(told([...contentScript]), { cutAfterEvents: 1 })
    const asked = { model, contents: secret, config: { systemInstruction: secret } }
    await run.metered.models.generateContent(asked)
    await readAll(await run.metered.models.generateContentStream(asked))
    await run.metered.models
      .generateContentStream(asked)
      .then(readAll)
      .catch(() => {})
    run.server.serve(odd)
    await run.metered.models.generateContent(asked)
    run.server.serve({ error: { message: secret } }, { status: 400 })
    await run.metered.models.generateContent(asked).catch(() => {})
    run.server.serve(told(interactionScript(interaction()) as never))
    const stream = await run.metered.interactions.create({
      model: 'm',
      input: secret,
      stream: true,
    } as never)
    await readAll(stream as unknown as AsyncIterable<unknown>)
    await until(() => run.records.length >= 5, 'all is recorded')
    const seen = JSON.stringify([
      kept,
      run.records.map((record) => ({ ...record, raw: record.raw })),
      run.errors.map(({ message, stack }) => [message, stack]),
      await run.meter.stats(),
    ])
    // The odd count is the provider's usage object, which is kept verbatim.
    expect(seen.replaceAll(`"promptTokenCount":"${secret}"`, '')).not.toContain(secret)
  })
})
