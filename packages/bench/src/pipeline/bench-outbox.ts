import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryOutbox, type Outbox } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { postgresOutbox } from '@token-meter/postgres'
import { startPostgres, type PostgresServer } from '@token-meter/testkit/internal'

export type OutboxKind = 'memory' | 'sqlite process' | 'sqlite group' | 'sqlite full' | 'postgres'

export interface BenchOutbox {
  readonly outbox: Outbox
  /** The file, or the URL and schema. */
  readonly place: { readonly path?: string; readonly url?: string; readonly schema?: string }
}

/** Opens outboxes in a folder or a server of their own, and clears up after them. */
export class BenchOutboxes implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'token-meter-bench-'))
  readonly #open: Outbox[] = []
  #server: Promise<PostgresServer> | undefined
  #count = 0

  /** Those that there are here: npm has no Postgres for some platforms. */
  async available(kinds: readonly OutboxKind[]): Promise<readonly OutboxKind[]> {
    if (!kinds.includes('postgres')) return kinds
    try {
      await (this.#server ??= startPostgres())
      return kinds
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      console.warn(`Postgres is left out: it does not start here (${reason})`)
      return kinds.filter((kind) => kind !== 'postgres')
    }
  }

  /** Where nothing is yet, in the folder of the SQLite files. */
  newFile(): string {
    return join(this.#folder, `file_${this.#count++}.db`)
  }

  async open(kind: OutboxKind): Promise<BenchOutbox> {
    const opened = await this.#openNew(kind, `bench_${this.#count++}`)
    this.#open.push(opened.outbox)
    return opened
  }

  async #openNew(kind: OutboxKind, name: string): Promise<BenchOutbox> {
    if (kind === 'memory') {
      return { outbox: memoryOutbox(), place: {} }
    }
    if (kind === 'postgres') {
      this.#server ??= startPostgres()
      const { url } = await this.#server
      return {
        outbox: postgresOutbox({ connectionString: url }, { schema: name }),
        place: { url, schema: name },
      }
    }
    const durability = kind.slice('sqlite '.length) as 'process' | 'group' | 'full'
    const path = join(this.#folder, `${name}.db`)
    return { outbox: sqliteOutbox(path, { durability }), place: { path } }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#open.map(async (outbox) => outbox.close()))
    await (await this.#server?.catch(() => undefined))?.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Appends many records as an application with much to tell would: in large groups. */
export async function fill(
  outbox: Outbox,
  count: number,
  records: (count: number, from: number) => Parameters<Outbox['append']>[0],
): Promise<void> {
  const size = 1000
  for (let from = 0; from < count; from += size) {
    await outbox.append(records(Math.min(size, count - from), from))
  }
}
