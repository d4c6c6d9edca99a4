import { randomUUID } from 'node:crypto'
import type { Statement, Tables } from '../../store/tables.ts'
import { GatewayRefusal } from '../../refusal.ts'
import { inTime } from '../../store/in-time.ts'
import { leaseMs } from './rate-tables.ts'
import { type KeyLimits, type LimitName, rateRefusal, type Rates } from './rates.ts'

/** Requests of a key that are over, and not yet written down. */
interface Ended {
  readonly limits: KeyLimits
  count: number
  tokens: number
}

/** Requests of a key that may be only so many at a time. */
interface Running {
  count: number
  /** How many are asked for just now: the database may have counted them, or not. */
  asking: number
}

export interface SharedRatesOptions {
  /** ms since the epoch; `undefined`: the database's clock, which is the same for all. */
  readonly now: (() => number) | undefined
  readonly onError: (error: unknown) => void
  /** How often it says what is under way, in ms. @default a third of the lease */
  readonly beatMs?: number
}

const retryMs = 1_000

/** Counts what all processes of one Postgres let in. */
export class SharedRates implements Rates {
  readonly #tables: Tables
  readonly #now: () => number | null
  readonly #onError: (error: unknown) => void
  readonly #beatMs: number
  readonly #process = randomUUID()
  readonly #running = new Map<string, Running>()
  #ended = new Map<string, Ended>()
  #writing: Promise<void> | undefined
  #beating: Promise<void> | undefined
  #beat: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(tables: Tables, { now, onError, beatMs = leaseMs / 3 }: SharedRatesOptions) {
    this.#tables = tables
    this.#beatMs = beatMs
    this.#now = () => now?.() ?? null
    this.#onError = onError
  }

  async enter(limits: KeyLimits) {
    const { id, requestsPerMinute = null, tokensPerMinute = null, parallelRequests = null } = limits
    const isCounted = parallelRequests !== null
    let running: Running | undefined
    let isIn = false
    try {
      if (isCounted && this.#beating !== undefined) await inTime(this.#beating)
      if (isCounted) running = this.#asking(id)
      const [row] = await inTime(
        this.#tables.read(
          'SELECT limit_name, wait_ms FROM {gateway_enter}($1, $2, $3, $4, $5, $6)',
          [id, this.#process, requestsPerMinute, tokensPerMinute, parallelRequests, this.#now()],
        ),
      )
      if (row !== undefined) {
        const limit = row['limit_name'] as LimitName
        const allowed = {
          requests_per_minute: requestsPerMinute,
          tokens_per_minute: tokensPerMinute,
        }
        const of = limit === 'parallel_requests' ? parallelRequests : allowed[limit]
        throw rateRefusal(limit, of ?? 0, Number(row['wait_ms']))
      }
      isIn = true
    } catch (cause) {
      if (cause instanceof GatewayRefusal) throw cause
      const message = 'The rates of this gateway cannot be counted at the moment: try again'
      throw new GatewayRefusal(503, 'unavailable', message, { cause, retryAfterMs: retryMs })
    } finally {
      if (running !== undefined) {
        running.asking--
        if (isIn) running.count++
        this.#forgetIdle(id, running)
      }
    }
    let isOver = false
    return {
      leave: (tokens: number | undefined) => {
        if (isOver) return
        isOver = true
        if (running !== undefined) running.count--
        this.#leave(limits, { count: Number(isCounted), tokens: tokens ?? 0 })
        if (running !== undefined) this.#forgetIdle(id, running)
      },
    }
  }

  /** Writes down what is over. What still runs is no longer believed soon. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#beat)
    await this.#beating
    await this.#writing
    if (this.#ended.size > 0) await this.#write()
  }

  #asking(id: string): Running {
    const running = this.#running.get(id) ?? { count: 0, asking: 0 }
    running.asking++
    this.#running.set(id, running)
    this.#beat ??= setInterval(() => this.#tellRunning(), this.#beatMs).unref()
    return running
  }

  #forgetIdle(id: string, { count, asking }: Running): void {
    if (count === 0 && asking === 0) this.#running.delete(id)
  }

  #leave(limits: KeyLimits, { count, tokens }: Pick<Ended, 'count' | 'tokens'>): void {
    if (count === 0 && (tokens === 0 || limits.tokensPerMinute === undefined)) return
    const ended = this.#ended.get(limits.id)
    this.#ended.set(limits.id, {
      limits,
      count: (ended?.count ?? 0) + count,
      tokens: (ended?.tokens ?? 0) + tokens,
    })
    this.#writing ??= this.#writeAll().finally(() => (this.#writing = undefined))
  }

  /** Until nothing is left, or it fails: then again after a while, with what has come meanwhile. */
  async #writeAll(): Promise<void> {
    while (this.#ended.size > 0) {
      if (await this.#write()) continue
      if (this.#isClosed) return
      await new Promise((resolve) => setTimeout(resolve, retryMs).unref())
    }
  }

  /** A write whose answer was lost counts twice: for a moment too few run, and a debt is too large. */
  async #write(): Promise<boolean> {
    const ended = this.#ended
    this.#ended = new Map()
    const sql = 'SELECT {gateway_leave}($1, $2, $3, $4, $5, $6, $7)'
    const statements = [...ended]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, { limits, count, tokens }]): Statement => {
        const { requestsPerMinute = null, tokensPerMinute = null } = limits
        const rates = [requestsPerMinute, tokensPerMinute, this.#now()]
        return [sql, [id, this.#process, count, tokens, ...rates]]
      })
    try {
      await this.#tables.write(...statements)
      return true
    } catch (error) {
      for (const [id, { limits, count, tokens }] of ended) {
        const later = this.#ended.get(id)
        this.#ended.set(id, {
          limits: later?.limits ?? limits,
          count: count + (later?.count ?? 0),
          tokens: tokens + (later?.tokens ?? 0),
        })
      }
      this.#onError(error)
      return false
    }
  }

  #tellRunning(): void {
    if (this.#running.size === 0 || this.#beating !== undefined) return
    const counts = Object.fromEntries(
      [...this.#running].map(([id, { count, asking }]) => {
        const isChanging = asking > 0 || this.#ended.has(id) || this.#writing !== undefined
        return [id, isChanging ? null : count]
      }),
    )
    const values = [this.#process, JSON.stringify(counts), this.#now()]
    this.#beating = this.#tables
      .write(['SELECT {gateway_running}($1, $2::jsonb, $3)', values])
      .then(() => undefined, this.#onError)
      .finally(() => (this.#beating = undefined))
  }
}
