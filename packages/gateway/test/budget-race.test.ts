import { anthropicProvider } from '@token-meter/anthropic'
import { createMeter } from '@token-meter/core'
import { cost } from '@token-meter/core/cost'
import { createCredits } from '@token-meter/credits'
import { createGateway, gatewayKeys } from '@token-meter/gateway'
import { openaiProvider } from '@token-meter/openai'
import { expect, onTestFinished, test } from 'vitest'
import { completion, startProvider } from './provider.ts'
import { type Place, postgresPlace, postgresServer, sqlitePlace } from './stores.ts'

const server = postgresServer()
const places = { SQLite: sqlitePlace, Postgres: () => postgresPlace(server) }

/** A millionth of a dollar a token. */
const calculate = cost({ prices: () => ({ input: 1, cachedInput: 1, output: 1 }) })

/** A gateway with a meter and credits of its own, as each process beside the same store has it. */
async function startProcess(place: Place, upstream: string, pool: string) {
  const outbox = place.open()
  const credits = createCredits({ outbox, cost: calculate })
  credits.on('error', () => undefined)
  credits.pool({ id: pool, usd: '0.001', period: 'month' })
  const errors: unknown[] = []
  const meter = createMeter({
    providers: [openaiProvider, anthropicProvider],
    outbox,
    cost: calculate,
    guard: credits.guard(),
    sinks: [],
    onError: (error) => void errors.push(error),
  })
  const keys = gatewayKeys({ outbox })
  const gateway = createGateway({
    meter,
    keys,
    upstreams: { openai: { baseUrl: upstream, apiKey: 'sk-upstream' } },
    onError: (_, cause) => void errors.push(cause),
  })
  const { url } = await gateway.listen({ port: 0 })
  onTestFinished(async () => {
    await gateway.close({ timeoutMs: 100 })
    await keys.close()
    await meter.close()
    await outbox.close()
  })
  return { url, keys, credits, errors }
}

test.each(Object.entries(places))(
  'of 64 callers at once, in two processes, no more are let in than the pool of their key has: %s',
  async (_, newPlace) => {
    const place = newPlace()
    // Each call holds its input and at most 100 tokens of output, and uses all of it.
    const provider = await startProvider((_, count) =>
      completion(count, { prompt_tokens: 2, completion_tokens: 100, total_tokens: 102 }),
    )
    const first = await startProcess(place, provider.url, 'team')
    const second = await startProcess(place, provider.url, 'team')
    await first.credits.grant('cus_1', { usd: '100', idempotencyKey: 'pack' })
    const { key } = await first.keys.generate({ customer: 'cus_1', pools: ['team'] })
    const statuses = await Promise.all(
      Array.from({ length: 64 }, async (_, index) => {
        const { url } = index % 2 === 0 ? first : second
        const answer = await fetch(`${url}/openai/v1/chat/completions`, {
          method: 'POST',
          headers: { 'x-api-key': key, 'content-type': 'application/json' },
          body: JSON.stringify({
            model: 'gpt-test',
            max_completion_tokens: 100,
            messages: [{ role: 'user', content: 'hi' }],
          }),
        })
        if (answer.status === 402) expect(answer.headers.get('x-should-retry')).toBe('false')
        await answer.text()
        return answer.status
      }),
    )
    const passed = statuses.filter((status) => status === 200).length
    expect([...new Set(statuses)].toSorted()).toEqual([200, 402])
    expect(passed).toBe(provider.asked.length)
    // Usage is in the database a moment after its call is over.
    const left = async () => (await first.credits.poolBalance('team')).held
    await expect.poll(left, { timeout: 10_000 }).toBe('0')
    const { spent, limit } = await first.credits.poolBalance('team')
    expect(Number(spent)).toBeCloseTo(passed * 0.000102, 9)
    expect(Number(spent)).toBeLessThanOrEqual(Number(limit))
    // Nor fewer than there was room for, but for what is held beyond what is used.
    expect(passed).toBeGreaterThanOrEqual(5)
    expect([...first.errors, ...second.errors]).toEqual([])
  },
)
