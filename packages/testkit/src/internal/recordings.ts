import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sharedFolder } from './shared-folder.ts'

/** What one record of a recording must come out as: the raw model name and disjoint counts. */
export interface ExpectedRecord {
  readonly model: string
  /** Without cached reads and writes. */
  readonly input: number
  readonly cached_input: number
  readonly cached_write: number
  /** With reasoning. */
  readonly output: number
}

/** One recorded response of a real provider. */
export interface Recording {
  /** Absolute path: `*.json` is a whole body, `*.chunks.txt` one JSON event a line. */
  readonly file: string
  /** The path inside the recordings folder, for test titles. */
  readonly name: string
  readonly provider: string
  /** `chat`, `completions`, `responses`, `embeddings`, `messages`, ... */
  readonly endpoint: string
  readonly stream: boolean
  /** In order; a row of zeros needs no record. */
  readonly expected: readonly ExpectedRecord[]
}

/** Every recorded response and the records it must yield; empty where `../shared` is absent. */
export function recordings(): readonly Recording[] {
  const shared = sharedFolder()
  if (shared === undefined) return []
  const folder = join(shared, 'recordings')
  const rows = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as ExpectedRow[]
  return rows.map((row) => ({ ...row, name: row.file, file: join(folder, row.file) }))
}

type ExpectedRow = Omit<Recording, 'name'>
