import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter, type TokenMeterError } from '@token-meter/core'
import { exampleRecord } from '@token-meter/testkit/suites'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { migrate } from '../src/index.ts'
import { postgresOutbox } from '../src/postgres-outbox.ts'
import pg from 'pg'
import { databaseUrl, newSchema } from './database-url.ts'
import { type Child, spawnScript } from './spawn-child.ts'
import { startStallingProxy, type StallingProxy } from './stalling-proxy.ts'

const usage = (id: string) => ({
  id,
  customer: 'cus_1',
  provider: 'own',
  model: 'm',
  tokens: { input: 10, output: 2 },
})

describe.skipIf(databaseUrl === '')('the spool of a process', { timeout: 90_000 }, () => {
  let schema: string
  let folder: string
  let proxy: StallingProxy
  beforeEach(async () => {
    schema = newSchema()
    const parent = mkdtempSync(join(tmpdir(), 'token-meter-spool-'))
    folder = join(parent, 'spool')
    proxy = await startStallingProxy(databaseUrl)
    const pool = new pg.Pool({ connectionString: databaseUrl })
    await migrate(pool, { schema })
    await pool.end()
    onTestFinished(() => {
      proxy.close()
      rmSync(parent, { recursive: true, force: true })
    })
  })

  const spawn = (job: string, count = 0): Child =>
    spawnScript('spool-child.ts', [job, proxy.url, schema, folder, String(count)])
  const files = () =>
    existsSync(folder) ? readdirSync(folder).filter((name) => name.includes('.jsonl')) : []
  const open = (options = {}) =>
    postgresOutbox({ connectionString: proxy.url }, { schema, spoolFolder: folder, ...options })

  /** Kills it once it has said so many lines, and returns what it had kept. */
  async function killed(child: Child, lines: number): Promise<readonly string[]> {
    await child.hasSaid(lines)
    child.signal('SIGKILL')
    expect(await child.ended).toBe('SIGKILL')
    return child.said('kept')
  }

  /** What a later process delivers, and where all usage then stands. */
  async function delivered(job: Child = spawn('deliver')) {
    expect(await job.ended).toBe(0)
    const [stats = '{}'] = job.said('stats')
    return { sent: job.said('sent'), stats: JSON.parse(stats) }
  }

  test('a process that is killed before it ever reached the database loses nothing', async () => {
    proxy.stallAfter(0)
    const kept = await killed(spawn('record', 5), 11)
    expect(kept).toHaveLength(5)
    proxy.stallAfter(Infinity)
    const { sent, stats } = await delivered()
    expect(sent.toSorted()).toEqual(kept.toSorted())
    expect(stats.sinks.backend).toMatchObject({ recorded: 5, delivered: 5, pending: 0 })
    expect(files()).toEqual([])
  })

  test('a database that refuses connections delays no call but the first, and loses none', async () => {
    const away = spawnScript('spool-child.ts', [
      'record',
      'postgres://user:s3cret@127.0.0.1:1/usage',
      schema,
      folder,
      '20',
    ])
    const kept = await killed(away, 41)
    expect(kept).toHaveLength(20)
    const took = away.said('took').map(Number)
    expect(took.toSorted((a, b) => a - b)[10]).toBeLessThan(100)
    const [file = ''] = files()
    const text = readFileSync(join(folder, file), 'utf8')
    expect(file + text).not.toMatch(/s3cret|user|postgres:/)
    for (const id of kept) expect(text).toContain(id)
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
  })

  test('a database that stalls in the middle, at any byte: exactly what was kept is delivered once', async () => {
    const kept: string[] = []
    for (let life = 0; life < 6; life++) {
      proxy.stallAfter(Infinity)
      const child = spawn('produce')
      await child.hasSaid(30)
      proxy.stallAfter(200 + life * 137)
      await proxy.stalled
      kept.push(...(await killed(child, child.lines.length + 20 + life * 3)))
    }
    proxy.stallAfter(Infinity)
    // Three at once.
    const results = await Promise.all([1, 2, 3].map(() => delivered()))
    const sent = results.flatMap((result) => result.sent)
    expect(new Set(sent).size).toBe(sent.length)
    for (const id of kept) expect(sent).toContain(id)
    const outbox = open()
    expect(await outbox.stats('backend')).toMatchObject({ recorded: sent.length, pending: 0 })
    await outbox.close()
    expect(files()).toEqual([])
  })

  // On a machine that is busy enough, an answer can be late.
  test('where the database answers, nothing is written', { retry: 5 }, async () => {
    const outbox = open()
    const meter = createMeter({ providers: [], outbox })
    await meter.outbox.recorded()
    for (let count = 0; count < 200; count++) await meter.record(usage(`r${count}`))
    await meter.flush()
    expect(existsSync(folder)).toBe(false)
    await meter.close()
    expect(existsSync(folder)).toBe(false)
  })

  test('what waits is counted by flush and by stats, of all processes on the disk', async () => {
    const child = spawn('record', 8)
    await child.hasSaid(1)
    await expect.poll(() => child.lines.includes('done')).toBe(true)
    const stalled = open()
    await stalled.recorded()
    const sinks = [async function backend() {}]
    const meter = createMeter({
      providers: [],
      outbox: stalled,
      sinks,
      delivery: { pollMs: 60_000 },
    })
    await meter.flush()
    proxy.stallNow()
    await Promise.all(['a', 'b', 'c'].map((id) => meter.record(usage(id))))
    await expect(meter.flush({ timeoutMs: 300 })).rejects.toMatchObject({
      code: 'flush',
      pending: { backend: 3 },
      message: expect.stringMatching(/3 record\(s\) of this process/),
    })
    // Another one on the same disk, whose database answers: the file's owner lives, and keeps it.
    const other = open()
    expect(await other.recorded()).toBe(11)
    expect(await other.stats('backend')).toMatchObject({ recorded: 11, delivered: 8, pending: 3 })
    expect(await other.stats('new')).toMatchObject({ recorded: 11, pending: 11 })
    await other.position()
    expect(files()).toHaveLength(1)
    await other.close()
    proxy.close()
    // Nobody takes the three any more.
    await meter.close({ timeoutMs: 500 }).catch(() => {})
  })

  test('a process whose database comes back drains by itself, and removes its file', async () => {
    const outbox = open()
    await outbox.recorded()
    proxy.stallNow()
    const records = Array.from({ length: 3 }, () => exampleRecord())
    await outbox.append(records.slice(0, 1))
    await Promise.all(records.slice(1).map((record) => outbox.append([record])))
    expect(files()).toHaveLength(1)
    expect(outbox.waiting?.()).toBe(3)
    proxy.dropAll()
    await expect.poll(files, { timeout: 40_000 }).toEqual([])
    expect(await outbox.recorded()).toBe(3)
    for (const record of records) expect(await outbox.find(record.id)).toEqual(record)
    await outbox.close()
  })

  test('a wrong password is told at once, and what is recorded comes in once it is right', async () => {
    const url = new URL(proxy.url)
    url.password = 'wr0ng'
    const wrong = postgresOutbox({ connectionString: url.href }, { schema, spoolFolder: folder })
    const errors: TokenMeterError[] = []
    wrong.onFault?.((error) => void errors.push(error))
    const record = exampleRecord()
    await wrong.append([record])
    await expect.poll(() => errors, { timeout: 10_000 }).toHaveLength(1)
    expect(errors[0]?.message).toMatch(/let the user in.*password.*1 records/)
    expect(errors[0]?.message).not.toContain('wr0ng')
    await wrong.close()
    const right = open()
    expect(await right.find(record.id)).toEqual(record)
    await right.close()
  })

  test('another database or schema gets nothing of it', async () => {
    proxy.stallAfter(0)
    const kept = await killed(spawn('record', 2), 5)
    proxy.stallAfter(Infinity)
    const before = files()
    const other = open({ schema: newSchema() })
    await other.position()
    expect(await other.recorded()).toBe(0)
    await other.close()
    expect(files()).toEqual(before)
    expect((await delivered()).sent.toSorted()).toEqual(kept.toSorted())
  })

  test('a process that exits while it records leaves it to the next', async () => {
    proxy.stallAfter(0)
    const child = spawn('exit')
    expect(await child.ended).toBe(0)
    expect(child.said('error')).toEqual([])
    proxy.stallAfter(Infinity)
    expect((await delivered()).sent).toEqual(child.said('began'))
  })

  test('a closed outbox leaves what the database did not take to the next', async () => {
    const outbox = open()
    await outbox.recorded()
    proxy.stallNow()
    const record = exampleRecord()
    await outbox.append([record])
    await outbox.close()
    expect(files()).toHaveLength(1)
    const next = open()
    await next.position()
    expect(await next.find(record.id)).toEqual(record)
    await next.close()
    expect(files()).toEqual([])
  })

  test('without a disk an append waits, and is told', async () => {
    const errors: TokenMeterError[] = []
    const outbox = open({ spoolFolder: join(process.execPath, 'spool') })
    outbox.onFault?.((error) => void errors.push(error))
    await outbox.recorded()
    proxy.stallNow()
    let isKept = false
    void outbox.append([exampleRecord()]).then(() => (isKept = true))
    await expect.poll(() => errors, { timeout: 5_000 }).toHaveLength(1)
    expect(errors[0]?.message).toMatch(/cannot be written .*spoolFolder/)
    expect(isKept).toBe(false)
    proxy.dropAll()
    await expect.poll(() => isKept, { timeout: 40_000 }).toBe(true)
    await outbox.close()
  })
})
