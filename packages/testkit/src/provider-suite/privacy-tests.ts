import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Sink } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { expect, onTestFinished, test, vi } from 'vitest'
import { leaveAtText, outcomeOf, providerKey, readAll, type Start } from './provider-harness.ts'
import type { ProviderUnderTest } from './provider-under-test.ts'

const prompt = 'PROMPT-d41d8cd98f00'
const completion = 'COMPLETION-b204e9800998'

/** A sink that takes nothing, so that each record becomes a dead letter. */
const refusing: Sink = {
  name: 'refusing',
  send: async ({ entries }) =>
    entries.map(() => ({ status: 'rejected', reason: 'not this one', code: 'refused' })),
}

/** No text of a conversation and no key is ever stored, logged or in an error. */
export function privacyTests<Client extends object>(
  suite: ProviderUnderTest<Client>,
  start: Start<Client>,
): void {
  const { wire, request } = suite
  const texts = [completion, `more of ${completion}`, '.']

  test('no text and no key is in the ledger, the log or the errors, whatever goes wrong', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'token-meter-privacy-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'usage.db')
    const printed: unknown[] = []
    for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
      vi.spyOn(console, method).mockImplementation((...args) => void printed.push(...args))
    }
    onTestFinished(() => void vi.restoreAllMocks())
    await using run = await start({
      outbox: sqliteOutbox(file),
      sinks: [refusing],
      attributes: () => {
        throw new Error('attributes failed')
      },
    })
    const { server, metered } = run
    const send = () => suite.send(metered, request.of(prompt), {})
    const stream = () => suite.stream(metered, request.of(prompt), {})

    server.serve(wire.answer(completion, wire.usage))
    await send()
    const events = wire.events(texts, [wire.usage])
    server.serve(events)
    await readAll(await stream())
    server.serve(events)
    for await (const event of await stream()) if (suite.read.eventText(event) !== '') break
    server.serve(events, { cutAfterEvents: events.length - 2 })
    await outcomeOf(() => stream().then(readAll))
    // Text where a count should be.
    const odd = wire.usageOf({ input: completion, output: [completion], total: -1 })
    server.serve(wire.answer(completion, odd))
    await outcomeOf(send)
    server.serve(wire.events(texts, [odd]))
    await outcomeOf(() => stream().then(readAll))
    server.serve(wire.error(completion), { status: 400, times: 2 })
    await outcomeOf(send)
    await outcomeOf(() => stream().then(readAll))
    server.serve([wire.errorEvent(completion)])
    await outcomeOf(() => stream().then(readAll))
    server.serve(Buffer.from(`{"text": "${completion}`), {
      headers: { 'content-type': 'application/json' },
    })
    await outcomeOf(send)

    await run.meter.flush({ timeoutMs: 2000 }).catch((error: unknown) => printed.push(error))
    const letters = await run.meter.outbox.deadLetters('refusing')
    expect(letters.length).toBeGreaterThan(3)
    await run.meter.close().catch((error: unknown) => printed.push(error))
    const told = [...printed, ...run.errors, ...letters.map((letter) => ({ ...letter }))]
    const seen = [...told.map(inFull), ...['', '-wal', '-shm'].map((end) => bytesOf(file + end))]
    expect(run.errors.length).toBeGreaterThan(2)
    expect(seen.join('\n')).toContain(String(run.records[0]?.model))
    for (const secret of [prompt, providerKey]) expect(seen.join('\n')).not.toContain(secret)
    // The provider's usage object is kept as it came, but for text that is no code.
    const withoutRaw = run.records.map((record) => inFull({ ...record, raw: null }))
    expect([...withoutRaw, ...run.errors.map(String)].join('\n')).not.toContain(completion)
  })

  test('the ledger holds no completion', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'token-meter-privacy-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'usage.db')
    await using run = await start({ outbox: sqliteOutbox(file) })
    run.server.serve(wire.answer(completion, wire.usage))
    run.server.serve(wire.events(texts, [wire.usage]), { times: 2 })
    await suite.send(run.metered, request.of(prompt), {})
    await readAll(await suite.stream(run.metered, request.of(prompt), {}))
    await leaveAtText(run, await suite.stream(run.metered, request.of(prompt), {}))
    await run.recorded(3)
    const kept = ['', '-wal', '-shm'].map((end) => bytesOf(file + end)).join('')
    expect(kept).toContain(String(run.records[0]?.model))
    for (const text of [prompt, completion]) expect(kept).not.toContain(text)
  })
}

function bytesOf(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}

function inFull(item: unknown): string {
  const { stack, cause } = (item ?? {}) as Error
  return [String(item), JSON.stringify(item), stack, String(cause)].join(' ')
}
