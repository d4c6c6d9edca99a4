import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import type { Sink } from '@token-meter/core'
import { lagoSink } from '@token-meter/lago'
import { metronomeSink } from '@token-meter/metronome'
import { openMeterSink } from '@token-meter/openmeter'
import { stripeSink } from '@token-meter/stripe'
import { expect, onTestFinished, test } from 'vitest'
import { batchOf, never, recordsOf } from '../src/index.ts'

/** The command, as `npx @token-meter/testkit` starts it. */
function command(...args: readonly string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../src/cli.ts'), ...args])
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    child,
    line: async () => (await lines.next()).value as string,
    rest: async () => {
      const rest: string[] = []
      for await (const line of { [Symbol.asyncIterator]: () => lines }) rest.push(line)
      return rest
    },
    ended: once(child, 'close').then(([code]) => code as number),
  }
}

async function endOf(...args: readonly string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../src/cli.ts'), ...args])
  const [said, warned] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  return { said, warned, code: child.exitCode }
}

const record = recordsOf(1, { customer: 'cus_42', model: 'gpt-5.4' })

test('a Stripe on this machine: where it is, what arrives, and the sums at its end', async () => {
  const { child, line, rest, ended } = command('stripe')
  const [, url, apiKey] = /^Stripe stand-in on (http:\S+), key (\S+)$/.exec(await line()) ?? []
  expect(apiKey).toBe('rk_test_fake')
  expect(await line()).toBe(`  stripeSink({ apiKey: '${apiKey}', baseUrl: '${url}' })`)
  expect(await line()).toContain('Ctrl+C')
  expect(await line()).toBe('')
  const sink = stripeSink({ apiKey: apiKey!, baseUrl: url! })
  expect(await sink.send(batchOf(record), never)).toMatchObject([{ status: 'accepted' }])
  const events = [
    ['input', 10],
    ['cached_input', 5],
    ['output', 7],
  ] as const
  for (const [type, value] of events) {
    expect(await line()).toBe('POST /v2/billing/meter_events 200')
    const event = await line()
    expect(event.startsWith(`  cus_42  token-billing-tokens  ${value}  `)).toBe(true)
    expect(event).toContain(`  ${type}`)
    expect(event).toContain('openai/gpt-5.4')
  }
  child.kill('SIGINT')
  expect(await rest()).toEqual([
    '',
    'Billed:',
    ...events.map(
      ([type, value]) => `  cus_42  token-billing-tokens  openai/gpt-5.4  ${type}  ${value}`,
    ),
  ])
  expect(await ended).toBe(0)
})

const sinks: readonly (readonly [string, (url: string, key: string) => Sink])[] = [
  ['stripe', (baseUrl, apiKey) => stripeSink({ apiKey, baseUrl })],
  ['metronome', (baseUrl, bearerToken) => metronomeSink({ bearerToken, baseUrl })],
  ['lago', (apiUrl, apiKey) => lagoSink({ apiKey, apiUrl })],
  ['openmeter', (url, apiKey) => openMeterSink({ apiKey, url })],
]

test.each(sinks)('%s, one JSON object a line, with a key of your own', async (name, sinkAt) => {
  const { child, line, rest, ended } = command(name, '--json', '--key', 'rk_test_mine')
  const { url, key } = JSON.parse(await line()) as { url: string; key: string }
  expect(key).toBe('rk_test_mine')
  const results = await sinkAt(url, key).send(batchOf(record), never)
  expect(results).toMatchObject([{ status: 'accepted' }])
  const refused = await sinkAt(url, 'rk_test_other').send(batchOf(record), never)
  expect(refused).toMatchObject([{ status: 'retry' }])
  child.kill('SIGTERM')
  const lines = (await rest()).map((each) => JSON.parse(each) as Line)
  const requests = lines.slice(0, -1)
  const taken = requests.filter(({ status }) => status! < 300)
  expect(taken.flatMap(({ events }) => events).length).toBeGreaterThan(0)
  const others = requests.filter(({ status }) => status! >= 300)
  expect(others.flatMap(({ events }) => events)).toEqual([])
  expect(others.map(({ status }) => status)).toContain(401)
  const billed = lines.at(-1)!.billed!
  expect(billed.reduce((sum, { value }) => sum + Number(value), 0)).toBe(22)
  expect(await ended).toBe(0)
})

interface Line {
  readonly status?: number
  readonly events?: readonly object[]
  readonly billed?: readonly { readonly value: number }[]
}

test('help is help, and a wrong command says what is right', async () => {
  expect(await endOf('--help')).toMatchObject({ code: 0, warned: '' })
  expect((await endOf('--help')).said).toContain('npx @token-meter/testkit <backend>')
  const wrong = [
    [[], 'name a backend: stripe, metronome, lago, openmeter'],
    [['paypal'], 'there is no backend "paypal", but stripe, metronome'],
    [['constructor'], 'there is no backend "constructor"'],
    [['stripe', 'lago'], 'one backend at a time'],
    [['stripe', '--port', '70000'], '--port takes a number from 0 to 65535, not "70000"'],
    [['stripe', '--color'], "Unknown option '--color'"],
  ] as const
  for (const [args, why] of wrong) {
    const { code, said, warned } = await endOf(...args)
    expect([code, said]).toEqual([2, ''])
    expect(warned).toContain(why)
    expect(warned).toContain('--help')
  }
})

test('a port that is taken is named, with what to do', async () => {
  const { child, line } = command('lago', '--json')
  const { url } = JSON.parse(await line()) as { url: string }
  const { port } = new URL(url)
  const { code, warned } = await endOf('stripe', '--port', port)
  expect(code).toBe(1)
  expect(warned).toContain(`port ${port} is taken: name another with --port`)
  child.kill('SIGINT')
})
