import { expect, test } from 'vitest'
import { outcomeOf, readAll, type Start } from './provider-harness.ts'
import type { ProviderUnderTest } from './provider-under-test.ts'

/** 600 characters, about 120 tokens. */
const words = 'The keeper lit the lamp. '.repeat(24)

/** A count that contradicts the answer is not known: it is estimated or kept as it was, and reported. */
export function doubtfulUsageTests<Client extends object>(
  suite: ProviderUnderTest<Client>,
  start: Start<Client>,
): void {
  const { wire, request } = suite
  const { usageOf } = wire
  const hasTotal = wire.hasTotal ?? true
  const totalOf = (total: number) => (hasTotal ? { total } : {})
  const zeros = usageOf({ input: 0, output: 0, ...totalOf(0) })
  const good = usageOf({ input: 900, output: 40, ...totalOf(940) })

  async function metered(streamed: boolean, usages: readonly unknown[]) {
    await using run = await start()
    run.server.serve(streamed ? wire.events([words], usages) : wire.answer(words, usages.at(-1)))
    if (streamed) await readAll(await suite.stream(run.metered, request.of(words), {}))
    else await suite.send(run.metered, request.of(words), {})
    return { records: run.records, errors: run.errors }
  }

  async function isRefused(streamed: boolean, usage: unknown): Promise<boolean> {
    await using run = await start()
    run.server.serve(streamed ? wire.events([words], [usage]) : wire.answer(words, usage))
    const outcome = await outcomeOf(async () =>
      streamed ? readAll(await run.stream(run.raw)) : await run.send(run.raw),
    )
    return 'error' in outcome
  }

  const bothWays = [
    ['whole', false],
    ['streamed', true],
  ] as const

  function isNear(count: number | undefined) {
    expect(count).toBeGreaterThan(90)
    expect(count).toBeLessThan(220)
  }

  test.each(bothWays)(
    'zeros beside text are an estimate, and reported: %s',
    async (_, streamed) => {
      const { records, errors } = await metered(streamed, [zeros])
      expect(records).toMatchObject([
        { outcome: 'estimated', details: { estimated: ['input', 'output'] } },
      ])
      isNear(records[0]?.tokens.input)
      isNear(records[0]?.tokens.output)
      expect(errors).toMatchObject([
        { code: 'usage', message: expect.stringMatching(/usage is 0/) },
      ])
    },
  )

  test('zeros beside a tool call alone are reported, and no record', async () => {
    await using run = await start()
    run.server.serve(wire.toolCall(zeros))
    await run.send()
    await run.recorded(0)
    expect(run.errors.map(({ message }) => message)).toEqual([
      expect.stringContaining('beside a tool call'),
    ])
  })

  test.each([
    ['not there', undefined],
    ['null', null],
    ['text', 'many'],
    ['a list', []],
    ['negative', usageOf({ input: -5, output: -7 })],
    ['text for counts', usageOf({ input: 'many', output: {} })],
    ['beyond whole numbers', usageOf({ input: 1e300, output: Number.MAX_VALUE })],
  ])('usage that is %s: the answer comes, and the record is an estimate', async (_, usage) => {
    for (const streamed of [false, true]) {
      // An SDK may refuse such an answer itself.
      if (await isRefused(streamed, usage)) continue
      const { records, errors } = await metered(streamed, [usage])
      expect(records).toMatchObject([
        { outcome: 'estimated', details: { estimated: ['input', 'output'] } },
      ])
      isNear(records[0]?.tokens.input)
      isNear(records[0]?.tokens.output)
      expect(errors.map(({ code }) => code)).toContain('usage')
    }
  })

  test('a count above a billion is unknown, and reported', async () => {
    const { records, errors } = await metered(false, [usageOf({ input: 5e9, output: 7 })])
    expect(records).toMatchObject([{ tokens: { output: 7 }, details: { estimated: ['input'] } }])
    expect(errors.map(({ message }) => message)).toContainEqual(
      expect.stringContaining('cannot be a token count'),
    )
  })

  test.skipIf(wire.hasSeveralUsages === false).each<[string, unknown[], object]>([
    ['zeros take nothing away', [good, zeros], { input: 900, output: 40 }],
    ['nor does an empty one', [good, usageOf({})], { input: 900, output: 40 }],
    ['one count alone changes that one', [good, usageOf({ output: 41 })], { output: 41 }],
    [
      'a smaller count is a count',
      [good, usageOf({ input: 900, output: 12, ...totalOf(912) })],
      { input: 900, output: 12 },
    ],
  ])('of several usages, %s', async (_, usages, tokens) => {
    const { records, errors } = await metered(true, usages)
    expect(records).toMatchObject([{ tokens, outcome: 'complete' }])
    expect(errors).toEqual([])
  })

  if (!hasTotal) return

  test.each(bothWays)(
    'a total and no parts: the output is estimated, the input is the rest: %s',
    async (_, streamed) => {
      const { records, errors } = await metered(streamed, [
        usageOf({ input: 0, output: 0, total: 1421 }),
      ])
      const { input = 0, output = 0 } = records[0]?.tokens ?? {}
      expect(input + output).toBe(1421)
      isNear(output)
      expect(records).toMatchObject([{ outcome: 'estimated' }])
      expect(errors).toHaveLength(1)
    },
  )

  test.each([
    ['parts beyond it', { input: 1000, output: 2000, total: 15 }, { input: 1000, output: 2000 }],
    ['an input of 0', { input: 0, output: 40, total: 940 }, { input: 900, output: 40 }],
    ['an output of 0', { input: 900, output: 0, total: 940 }, { input: 900, output: 40 }],
  ])('a total that contradicts %s is reported', async (_, counts, tokens) => {
    const { records, errors } = await metered(false, [usageOf(counts)])
    expect(records).toMatchObject([{ tokens, outcome: 'complete' }])
    expect(errors).toHaveLength(1)
  })
}
