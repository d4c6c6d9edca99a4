import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import type { SinkStats } from '../../../src/outbox/outbox.ts'
import { sqliteOutbox } from '../../../src/outbox/sqlite/sqlite-outbox.ts'
import { Disk, type JournalEntry, readJournal } from './disk-after-cut.ts'
import { searchRuns } from '../../search-runs.ts'

// In memory where that is a folder: what is opened after a cut need not be synced again.
const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const folder = mkdtempSync(join(place, 'token-meter-power-cut-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const beside = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const cuts = searchRuns(100)
const seed = Number(process.env['TOKEN_METER_SEED'] ?? Date.now() % 1_000_000)

/** Why the simulation cannot run here; nothing where it can. */
function build(): string | undefined {
  if (process.platform !== 'linux') return 'it needs Linux, to preload a library'
  try {
    const library = ['-shared', '-fPIC', '-O1', '-o', join(folder, 'journal-writes.so')]
    execFileSync('cc', [...library, beside('journal-writes.c'), '-ldl', '-lpthread'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    return undefined
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return 'there is no C compiler (cc)'
    throw error
  }
}

const reason = build()
if (reason !== undefined) console.warn(`power cuts are not simulated: ${reason}`)

/** What a process of this durability did to its files, in order. */
function journalOf(durability: string): JournalEntry[] {
  const watched = join(folder, durability)
  const journal = join(folder, `${durability}.journal`)
  mkdirSync(watched)
  execFileSync(process.execPath, [beside('power-cut-child.ts'), watched, durability], {
    env: {
      ...process.env,
      LD_PRELOAD: join(folder, 'journal-writes.so'),
      POWER_CUT_FOLDER: watched,
      POWER_CUT_JOURNAL: journal,
    },
  })
  return [...readJournal(readFileSync(journal))]
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function randomFrom(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Cut {
  /** Records whose append had returned. */
  readonly answered: readonly string[]
  /** What is in the file afterwards. */
  readonly kept: readonly string[]
  readonly integrity: unknown
}

/** Cuts the power at random moments, and opens each time what is left. */
function* cutsOf(journal: readonly JournalEntry[], random: () => number): Generator<Cut> {
  const moments = Array.from({ length: cuts }, () => Math.floor(random() * journal.length))
  const disk = new Disk()
  const answered: string[] = []
  let done = 0
  for (const [index, moment] of moments.toSorted((a, b) => a - b).entries()) {
    for (; done < moment; done++) {
      const entry = journal[done]
      if (entry === undefined) break
      if (basename(entry.path) !== 'answered') disk.apply(entry)
      else if (entry.kind === 'W') answered.push(...entry.data.toString().trim().split('\n'))
    }
    const files = index % 2 === 0 ? disk.certain() : disk.possible(random)
    yield { answered: [...answered], ...openAfter(files) }
  }
}

function openAfter(files: ReadonlyMap<string, Buffer>): Pick<Cut, 'kept' | 'integrity'> {
  const place = mkdtempSync(join(folder, 'after-'))
  const path = join(place, 'usage.db')
  for (const [name, content] of files) writeFileSync(join(place, basename(name)), content)
  const outbox = sqliteOutbox(path)
  try {
    // Makes the file where the cut came before there was one.
    void outbox.append([])
    const { recorded, pending, delivered } = outbox.stats('alpha') as SinkStats
    expect(pending + delivered).toBe(recorded)
    const database = new DatabaseSync(path)
    const kept = database.prepare('SELECT id FROM records').all()
    const integrity = database.prepare('PRAGMA integrity_check').get()
    database.close()
    expect(kept).toHaveLength(recorded)
    return { kept: kept.map(({ id }) => String(id)), integrity }
  } finally {
    void outbox.close()
    rmSync(place, { recursive: true })
  }
}

test.skipIf(reason !== undefined)(
  `durability full: ${cuts} power cuts lose nothing that was answered (TOKEN_METER_SEED=${seed})`,
  () => {
    let most = 0
    for (const { answered, kept, integrity } of cutsOf(journalOf('full'), randomFrom(seed))) {
      expect(integrity).toEqual({ integrity_check: 'ok' })
      const there = new Set(kept)
      expect(there.size).toBe(kept.length)
      expect(answered.filter((id) => !there.has(id))).toEqual([])
      // Up to three were being appended.
      expect(kept.length).toBeLessThanOrEqual(answered.length + 3)
      most = Math.max(most, answered.length)
    }
    expect(most).toBeGreaterThan(500)
  },
  120_000,
)

test.skipIf(reason !== undefined)(
  'durability process: power cuts lose only the end, and the file is whole; so the simulation bites',
  () => {
    let lost = 0
    for (const { answered, kept, integrity } of cutsOf(journalOf('process'), randomFrom(seed))) {
      expect(integrity).toEqual({ integrity_check: 'ok' })
      const found = new Set(kept)
      const there = answered.map((id) => found.has(id))
      const gap = there.indexOf(false)
      if (gap === -1) continue
      lost++
      expect(there.slice(gap).every((one) => !one)).toBe(true)
    }
    expect(lost).toBeGreaterThan(cuts / 10)
  },
  120_000,
)
