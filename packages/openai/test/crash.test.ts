import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import {
  type FakeStripe,
  type ReplayServer,
  startFakeStripe,
  startReplayServer,
} from '@token-meter/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { until } from './metered.ts'
import { chatCompletion, chatScript } from './scripts.ts'

let provider: ReplayServer
let stripe: FakeStripe
let path: string
let children: ChildProcess[] = []

beforeEach(async () => {
  provider = await startReplayServer()
  stripe = await startFakeStripe()
  path = join(mkdtempSync(join(tmpdir(), 'token-meter-')), 'usage.db')
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  children = []
  await Promise.all([provider.close(), stripe.close()])
})

type Task = 'call' | 'stream' | 'call-and-deliver' | 'call-and-exit' | 'deliver'

/** Starts a metered process, and returns a way to wait for what it says. */
function start(task: Task) {
  const child = spawn(
    process.execPath,
    [
      join(import.meta.dirname, 'crash-child.ts'),
      task,
      path,
      provider.url,
      stripe.url,
      stripe.apiKey,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  children.push(child)
  const said: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => said.push(line))
  const errors: string[] = []
  child.stderr.on('data', (data) => errors.push(String(data)))
  return {
    says: (word: string) =>
      until(() => said.includes(word), `"${word}" (${said.join()} ${errors.join('')})`),
    async kill() {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
    async exit() {
      if (child.exitCode === null) await once(child, 'exit')
      return { code: child.exitCode, said }
    },
  }
}

const billedTokens = () =>
  Object.fromEntries(stripe.billed().map(({ tokenType, value }) => [tokenType, value]))
const oneCall = { input: 7, cached_input: 4, output: 7 }

describe('a process is killed', () => {
  test.each([
    ['call', chatCompletion],
    ['stream', chatScript],
  ] as const)(
    'right after a metered %s resolved: a new one delivers its usage, once',
    async (task, reply) => {
      provider.serve(reply)
      const killed = start(task)
      await killed.says('resolved')
      await killed.kill()
      expect(stripe.meterEvents).toEqual([])

      expect(await start('deliver').exit()).toEqual({ code: 0, said: ['flushed'] })
      expect(billedTokens()).toEqual(oneCall)
      await start('deliver').exit()
      expect(billedTokens()).toEqual(oneCall)
    },
  )

  test('between send and settle: billed once', async () => {
    provider.serve(chatCompletion)
    // Stripe bills the first event and its answer never arrives.
    stripe.failWith({ connection: 'hang', processed: true }, { times: Infinity })
    const killed = start('call-and-deliver')
    await killed.says('resolved')
    await until(() => stripe.meterEvents.length > 0, 'Stripe has an event')
    await killed.kill()
    stripe.recover()

    expect(await start('deliver').exit()).toEqual({ code: 0, said: ['flushed'] })
    expect(billedTokens()).toEqual(oneCall)
  })

  test('many times over, with calls in between: every call is billed once', async () => {
    for (let round = 0; round < 5; round++) {
      provider.serve(chatCompletion)
      if (round % 2 === 1) stripe.failWith({ connection: 'reset', processed: true })
      const killed = start('call-and-deliver')
      await killed.says('resolved')
      await new Promise((resolve) => setTimeout(resolve, round * 15))
      await killed.kill()
    }
    stripe.recover()
    await start('deliver').exit()
    expect(billedTokens()).toEqual({ input: 35, cached_input: 20, output: 35 })
  })
})

describe('a process that has nothing more to do', () => {
  test('delivers what is left and exits by itself, with its own exit code', async () => {
    provider.serve(chatCompletion)
    expect(await start('call-and-exit').exit()).toMatchObject({ code: 7, said: ['resolved'] })
    expect(billedTokens()).toEqual(oneCall)
  })

  test('exits by itself when Stripe is down, and loses nothing', async () => {
    provider.serve(chatCompletion)
    stripe.failWith({ status: 500 }, { times: Infinity })
    const startedAt = Date.now()
    expect(await start('call-and-exit').exit()).toMatchObject({ code: 7 })
    expect(Date.now() - startedAt).toBeLessThan(15_000)
    stripe.recover()
    await start('deliver').exit()
    expect(billedTokens()).toEqual(oneCall)
  })
})
