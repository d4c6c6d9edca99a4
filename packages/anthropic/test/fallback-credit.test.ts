import { betaRefusalFallbackMiddleware } from '@anthropic-ai/sdk'
import { describe, expect, test } from 'vitest'
import { startMetered } from './metered.ts'
import { drain, eventsOf, said, serve, tokens, usage } from './refusal-scripts.ts'
import { message, request, streamed } from './scripts.ts'
import { laterMajors, sdkMajors } from './sdk-majors.ts'

describe('a retry with a fallback credit', () => {
  const [{ Anthropic }] = sdkMajors.slice(-1) as [(typeof sdkMajors)[number]]
  const written = {
    input_tokens: 2863,
    cache_creation_input_tokens: 100_500,
    cache_read_input_tokens: 0,
    output_tokens: 50,
  }
  const retried = (status: unknown) => ({
    ...message,
    model: 'claude-opus-5',
    usage: { ...written, fallback_credit: { status } },
  })
  const retry = (token: unknown) =>
    ({ ...request, model: 'claude-opus-5', fallback_credit_token: token }) as typeof request

  test.each<[string, boolean, unknown, unknown]>([
    ['redeemed', false, 'token_a', { type: 'redeemed' }],
    ['redeemed', true, { token: 'token_b', mode: 'best_effort' }, 'redeemed'],
  ])('%s, after a refusal that was seen (a stream: %s)', async (_, isStream, presented, status) => {
    await using run = await startMetered(Anthropic)
    const token = typeof presented === 'string' ? presented : 'token_b'
    serve(run, isStream, { category: 'cyber', token })
    run.server.serve(retried(status))
    if (isStream) await drain(await run.metered.beta.messages.create(streamed))
    else await run.metered.beta.messages.create(request)
    await run.metered.beta.messages.create(retry(presented))
    expect(run.records[1]?.details).toEqual({ fallbackCredit: 'redeemed', creditedWrite: 100_000 })
    expect(run.records[1]?.tokens).toMatchObject({ cachedInput: 0, cachedWrite: 100_500 })
    expect(JSON.stringify(run.records)).not.toContain(token)
    expect(run.errors).toEqual([])
  })

  test('streamed', async () => {
    await using run = await startMetered(Anthropic)
    serve(run, true, { category: 'cyber', token: 'token_c' })
    const final = { ...written, fallback_credit: { status: { type: 'redeemed' } } }
    run.server.serve(eventsOf([said], { stop_reason: 'end_turn' }, final))
    await drain(await run.metered.beta.messages.create(streamed))
    await drain(await run.metered.beta.messages.create({ ...retry('token_c'), stream: true }))
    expect(run.records[1]?.details).toEqual({ fallbackCredit: 'redeemed', creditedWrite: 100_000 })
  })

  test('not applied, or redeemed for what nobody saw, is priced as written', async () => {
    await using run = await startMetered(Anthropic)
    run.server.serve(retried({ type: 'not_applied', reason: 'expired' }))
    run.server.serve(retried({ type: 'redeemed' }))
    run.server.serve({
      ...retried({ type: 'redeemed' }),
      usage: { ...usage, fallback_credit: { status: { type: 'redeemed' } } },
    })
    for (let call = 0; call < 3; call++) await run.metered.beta.messages.create(retry('unseen'))
    expect(run.records.map(({ details }) => details)).toEqual([
      { fallbackCredit: 'not_applied' },
      { fallbackCredit: 'unknown' },
      // Nothing was written, so that nothing is unknown.
      { fallbackCredit: 'redeemed' },
    ])
    expect(run.errors).toHaveLength(1)
    expect(run.errors[0]?.message).toContain('fallback credit')
  })
})

describe.each(laterMajors.filter(({ version }) => version === 1))(
  'hops of betaRefusalFallbackMiddleware',
  ({ Anthropic }) => {
    test.each([false, true])(
      'a refused hop, and the credit of the next (stream: %s)',
      async (isStream) => {
        await using run = await startMetered(Anthropic, {
          client: { middleware: [betaRefusalFallbackMiddleware([{ model: 'claude-opus-5' }])] },
        })
        serve(run, isStream, { category: 'cyber', token: `token_hop_${isStream}` })
        const final = {
          input_tokens: 2863,
          cache_creation_input_tokens: 100_000,
          cache_read_input_tokens: 0,
          output_tokens: 50,
          fallback_credit: { status: { type: 'redeemed' } },
        }
        run.server.serve(
          isStream
            ? eventsOf([said], { stop_reason: 'end_turn' }, final)
            : { ...message, model: 'claude-opus-5', usage: final },
        )
        if (isStream) await drain(await run.metered.beta.messages.create(streamed))
        else await run.metered.beta.messages.create(request)
        expect(run.records).toMatchObject([
          { unbilled: 'refusal:cyber', tokens },
          { details: { fallbackCredit: 'redeemed', creditedWrite: 100_000 } },
        ])
        expect(run.records[1]).not.toHaveProperty('unbilled')
        expect(run.errors).toEqual([])
      },
    )
  },
)
