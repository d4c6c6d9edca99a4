import type { AskSql } from '@token-meter/core/outbox'
import { type Columns, toEndedHold, toGrant } from './columns.ts'
import { jobHoldId } from '@token-meter/core'
import { jobOf } from './holds.ts'
import { KeptRows } from './kept-rows.ts'
import { askEntries } from './postgres-entries.ts'
import { askObjects } from './postgres-objects.ts'
import type { Hint, LoadedRows, Need } from './loaded-rows.ts'
import { creditTables, type CreditTables } from './postgres-schema.ts'
import { nextSweep } from './postgres-sums.ts'
import type { AccountRow, GrantRow, PoolPeriod } from './rows.ts'

/** What `credit_load` answers; null where there is none. */
interface LoadedJson {
  readonly accounts: readonly Columns[] | null
  readonly grants: readonly Columns[] | null
  readonly holds: readonly Columns[] | null
  /** Of jobs, and where not all holds are open. */
  readonly leases: readonly Columns[] | null
  readonly pools: readonly Columns[] | null
  /** Those that were named, and those of the holds. */
  readonly askedPools: readonly PoolPeriod[] | null
  readonly entries: readonly Columns[] | null
}

/** Loads what an operation needs. Whatever is changed is locked before it is read. */
export class PostgresLoader {
  readonly #ask: AskSql
  readonly #schema: string
  readonly #tables: CreditTables
  readonly #loaded: LoadedRows
  readonly #kept: KeptRows

  constructor(ask: AskSql, schema: string, loaded: LoadedRows) {
    this.#ask = ask
    this.#schema = schema
    this.#tables = creditTables(schema)
    this.#loaded = loaded
    this.#kept = new KeptRows(loaded)
  }

  async loadHinted(hint: Hint): Promise<void> {
    const { customers = [], holds = [], newHolds = [], pools = [], keys = [] } = hint
    for (const id of newHolds) this.#kept.answer({ what: 'hold', id }, false)
    if (customers.length === 0 && holds.length === 0) return
    const ids = holds.filter((id) => jobOf(id) === undefined)
    const jobs = holds.flatMap((id) => jobOf(id) ?? [])
    const [row] = await this.#ask(
      `SELECT ${this.#schema}.credit_load($1, $2, $3, $4, $5, $6) AS loaded`,
      [customers, ids, jobs, pools.map(([pool]) => pool), pools.map(([, one]) => one), keys],
    )
    const loaded = row?.['loaded'] as LoadedJson
    const accounts = this.#kept.keepAccounts(loaded.accounts ?? [])
    for (const customer of customers) {
      const own = accounts.filter((account) => account.customer === customer)
      this.#kept.answer(
        { what: 'accountsOf', customer },
        own.map(({ id }) => id),
      )
      for (const unit of ['usd', 'tokens'] as const) {
        const key = { customer, unit, stripeAccount: '' }
        const found = own.find((one) => one.unit === unit && one.stripeAccount === '')
        this.#kept.answer({ what: 'account', key }, found?.id ?? null)
      }
    }
    if (holds.length > 0) {
      this.#kept.keepHolds(loaded.holds ?? [], ids, jobs)
      this.#kept.keepLeases(loaded.leases ?? [], ids, jobs)
    }
    this.#kept.keepPools(loaded.pools ?? [], loaded.askedPools ?? [])
    const found = accounts.map(({ id }) => id)
    this.#kept.keepGrantsInUse((loaded.grants ?? []).map(toGrant), found)
    this.#kept.keepEntries(loaded.entries ?? [], found, keys)
  }

  async load(need: Need): Promise<void> {
    const { credit_accounts, credit_grants, credit_holds, credit_ended_holds, credit_pools } =
      this.#tables
    const answer = (value: unknown) => this.#kept.answer(need, value)
    switch (need.what) {
      case 'account': {
        const { customer, unit, stripeAccount } = need.key
        const where = 'customer = $1 AND unit = $2 AND stripe_account = $3'
        const [account] = await this.#lockAccounts(where, [customer, unit, stripeAccount])
        if (account !== undefined) await this.#loadGrants([account.id])
        return answer(account?.id ?? null)
      }
      case 'accountById':
        return void (await this.#lockAccounts('id = $1', [need.id]))
      case 'newAccount': {
        const { customer, unit, stripeAccount } = need.key
        await this.#ask(
          `INSERT INTO ${credit_accounts} (customer, unit, stripe_account, created_at)
           VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
          [customer, unit, stripeAccount, need.at],
        )
        const where = 'customer = $1 AND unit = $2 AND stripe_account = $3'
        const [account] = await this.#lockAccounts(where, [customer, unit, stripeAccount])
        const { id } = account as AccountRow
        await this.#loadGrants([id])
        // It is there from now on, whoever asks how.
        this.#kept.answer({ what: 'account', key: need.key }, id)
        return answer(id)
      }
      case 'accountsOf': {
        const accounts = await this.#lockAccounts('customer = $1', [need.customer])
        if (accounts.length > 0) await this.#loadGrants(accounts.map(({ id }) => id))
        return answer(accounts.map(({ id }) => id))
      }
      case 'newGrantId': {
        const known = (this.#loaded.answers.get('newGrantIds') ?? []) as readonly number[]
        const sequence = `pg_get_serial_sequence('${credit_grants.replaceAll("'", "''")}', 'id')`
        const [row] = await this.#ask(`SELECT nextval(${sequence}) AS id`)
        this.#loaded.answers.set('newGrantIds', [...known, Number(row?.['id'])])
        return
      }
      case 'grant':
        await this.#keepGrants(`SELECT * FROM ${credit_grants} WHERE id = $1`, [need.id])
        return
      case 'grantByKey': {
        const sql = `SELECT * FROM ${credit_grants} WHERE account = $1 AND idempotency_key = $2`
        const [grant] = await this.#keepGrants(sql, [need.account, need.key])
        return answer(grant?.id ?? null)
      }
      case 'grantsOfSource': {
        const sql = `SELECT * FROM ${credit_grants} WHERE account = $1 AND source = $2`
        const grants = await this.#keepGrants(sql, [need.account, need.source])
        return answer(grants.map(({ id }) => id))
      }
      case 'grantsInUse':
        return this.#loadGrants([need.account])
      case 'hold':
        await this.#lockAccounts(`id = (SELECT account FROM ${credit_holds} WHERE id = $1)`, [
          need.id,
        ])
        return void (await this.#loadHolds([need.id], []))
      case 'holds':
        await this.#loadHolds(need.ids, [])
        return answer(true)
      case 'holdsOfJob':
      case 'leaseEntriesOfJob':
        return this.loadHinted({ holds: [jobHoldId(need.job)] })
      case 'leaseEntry':
        return this.loadHinted({ holds: [need.hold] })
      case 'endedHold': {
        const sql = `SELECT * FROM ${credit_ended_holds} WHERE id = $1`
        const [row] = await this.#ask(sql, [need.id])
        return answer(row === undefined ? null : toEndedHold(row))
      }
      case 'dueAccounts': {
        const where = `id IN (SELECT id FROM ${credit_accounts} WHERE next_due_at <= $1
          ORDER BY next_due_at, id LIMIT $2)`
        const accounts = await this.#lockAccounts(where, [need.now, need.limit])
        if (accounts.length > 0) await this.#loadGrants(accounts.map(({ id }) => id))
        return answer(accounts.map(({ id }) => id))
      }
      case 'nextSweep':
        return answer(await nextSweep(this.#ask, this.#tables))
      case 'expiredHeld': {
        const sql = `SELECT * FROM ${credit_grants}
          WHERE account = $1 AND state = 'expired' AND held > 0`
        const grants = await this.#keepGrants(sql, [need.account])
        return answer(grants.map(({ id }) => id))
      }
      case 'endedLeases': {
        const ids = await this.#ask(
          `SELECT id FROM ${credit_holds}
           WHERE lease_until <= $1 AND ($3::bigint IS NULL OR account = $3)
           ORDER BY lease_until, id LIMIT $2`,
          [need.now, need.limit, need.account ?? null],
        )
        const holds = ids.map((row) => row['id'] as string)
        await this.loadHinted({ holds })
        return answer(holds)
      }
      case 'pool':
        return this.#loadPools([[need.pool, need.period]])
      case 'lastPool': {
        const sql = `SELECT period FROM ${credit_pools} WHERE pool = $1 ORDER BY id DESC LIMIT 1`
        const [row] = await this.#ask(sql, [need.pool])
        return answer(row?.['period'] ?? null)
      }
      case 'entriesOf':
        return this.#loadEntries([need.account], [need.key])
      case 'entries':
      case 'entriesOfGrant':
        return answer(await askEntries(this.#ask, this.#tables.credit_entries, need))
      default:
        return answer(await askObjects(this.#ask, this.#schema, need))
    }
  }

  async #lockAccounts(where: string, values: readonly unknown[]): Promise<readonly AccountRow[]> {
    const { credit_accounts, credit_entries } = this.#tables
    const sql = `SELECT * FROM ${credit_accounts} WHERE ${where} ORDER BY id FOR UPDATE`
    const rows = await this.#ask(sql, values)
    const known = rows.filter((row) => !this.#loaded.accounts.has(Number(row['id'])))
    if (known.length > 0) {
      // Asked once the lock is there: what others have written before is seen.
      const last = await this.#ask(
        `SELECT id, (SELECT max(id) FROM ${credit_entries} WHERE account = of.id) AS last_entry
         FROM unnest($1::bigint[]) AS of (id)`,
        [known.map((row) => row['id'])],
      )
      const entries = new Map(last.map((row) => [row['id'], row['last_entry']]))
      return this.#kept.keepAccounts(
        rows.map((row) => ({ ...row, last_entry: entries.get(row['id']) })),
      )
    }
    return this.#kept.keepAccounts(rows)
  }

  async #loadGrants(accounts: readonly number[]): Promise<void> {
    const { credit_grants } = this.#tables
    const sql = `SELECT * FROM ${credit_grants}
      WHERE account = ANY ($1::bigint[]) AND state IN ('scheduled', 'active')`
    this.#kept.keepGrantsInUse((await this.#ask(sql, [accounts])).map(toGrant), accounts)
  }

  async #keepGrants(sql: string, values: readonly unknown[]): Promise<readonly GrantRow[]> {
    const grants = (await this.#ask(sql, values)).map(toGrant)
    for (const grant of grants) this.#loaded.grants.set(grant.id, grant)
    return grants
  }

  /** Locked, so that nobody renews one whose lease is found to have ended. */
  async #loadHolds(ids: readonly string[], jobs: readonly string[]): Promise<void> {
    const { credit_holds } = this.#tables
    const sql = `SELECT * FROM ${credit_holds}
      WHERE id = ANY ($1::text[]) OR job = ANY ($2::text[]) ORDER BY id FOR UPDATE`
    this.#kept.keepHolds(await this.#ask(sql, [ids, jobs]), ids, jobs)
  }

  /** Locked in one order, whichever holds they are of. */
  async #loadPools(pools: readonly PoolPeriod[]): Promise<void> {
    if (pools.length === 0) return
    const { credit_pools } = this.#tables
    const rows = await this.#ask(
      `SELECT * FROM ${credit_pools}
       WHERE (pool, period) IN (SELECT * FROM unnest($1::text[], $2::text[]))
       ORDER BY pool COLLATE "C", period COLLATE "C" FOR UPDATE`,
      [pools.map(([pool]) => pool), pools.map(([, period]) => period)],
    )
    this.#kept.keepPools(rows, pools)
  }

  async #loadEntries(accounts: readonly number[], keys: readonly string[]): Promise<void> {
    const { credit_entries } = this.#tables
    const sql = `SELECT * FROM ${credit_entries}
      WHERE account = ANY ($1::bigint[]) AND key = ANY ($2::text[])`
    this.#kept.keepEntries(await this.#ask(sql, [accounts, keys]), accounts, keys)
  }
}
