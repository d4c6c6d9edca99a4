import type { AskSql } from '@token-meter/core/outbox'
import { CachedRows } from './cached-rows.ts'
import { entryName, LoadedRows, type Need, NeedsRows, poolName, questionOf } from './loaded-rows.ts'
import { toAccount, toEntry, toGrant, toHold, toPool } from './columns.ts'
import { askObjects } from './postgres-objects.ts'
import { writeRows } from './postgres-write.ts'
import type { AccountRow, GrantRow } from './rows.ts'

/** What an operation is about, where that is known: loaded together, before it begins. */
export interface Hint {
  readonly customers?: readonly string[]
  readonly holds?: readonly string[]
  /** Holds that cannot be there yet: their ids were just minted. */
  readonly newHolds?: readonly string[]
  readonly pools?: readonly (readonly [pool: string, period: string])[]
  /** Keys of entries that it looks for. */
  readonly keys?: readonly string[]
}

/**
 * Runs an operation in a transaction that is open. Accounts are locked in the order of their ids, and
 * before anything else of theirs is read, so that what is read stays true.
 * @param schema quoted.
 */
export async function runOnPostgres<Value>(
  ask: AskSql,
  schema: string,
  work: (rows: CachedRows) => Value,
  hint: Hint = {},
): Promise<Value> {
  const loaded = new LoadedRows()
  const loader = new Loader(ask, schema, loaded)
  await loader.loadHinted(hint)
  for (;;) {
    const rows = new CachedRows(loaded)
    try {
      const value = work(rows)
      await writeRows(ask, schema, rows.written())
      return value
    } catch (error) {
      if (!(error instanceof NeedsRows)) throw error
      await loader.load(error.need)
    }
  }
}

class Loader {
  readonly #ask: AskSql
  readonly #schema: string
  readonly #loaded: LoadedRows

  constructor(ask: AskSql, schema: string, loaded: LoadedRows) {
    this.#ask = ask
    this.#schema = schema
    this.#loaded = loaded
  }

  async loadHinted(hint: Hint): Promise<void> {
    const { customers = [], holds = [], newHolds = [], pools = [], keys = [] } = hint
    for (const id of newHolds) this.#answer({ what: 'hold', id }, false)
    if (customers.length === 0 && holds.length === 0) return
    const accounts = await this.#lockAccounts(
      `customer = ANY ($1::text[]) OR id IN (SELECT account FROM ${this.#schema}.credit_holds WHERE id = ANY ($2::text[]))`,
      [customers, holds],
    )
    for (const customer of customers) {
      const own = accounts.filter((account) => account.customer === customer)
      this.#answer(
        { what: 'accountsOf', customer },
        own.map(({ id }) => id),
      )
      for (const unit of ['usd', 'tokens'] as const) {
        const key = { customer, unit, stripeAccount: '' }
        const found = own.find((one) => one.unit === unit && one.stripeAccount === '')
        this.#answer({ what: 'account', key }, found?.id ?? null)
      }
    }
    const ids = accounts.map(({ id }) => id)
    if (holds.length > 0) await this.#loadHolds(holds)
    const held = holds.flatMap((id) => this.#loaded.holds.get(id)?.pools ?? [])
    if (held.length + pools.length > 0) await this.#lockPools([...held, ...pools])
    if (ids.length === 0) return
    await this.#loadGrants(ids)
    if (keys.length > 0) await this.#loadEntries(ids, keys)
  }

  async load(need: Need): Promise<void> {
    const { credit_accounts, credit_grants, credit_holds, credit_pools, credit_entries } =
      this.#tables()
    const answer = (value: unknown) => this.#answer(need, value)
    switch (need.what) {
      case 'account': {
        const { customer, unit, stripeAccount } = need.key
        const where = 'customer = $1 AND unit = $2 AND stripe_account = $3'
        const [account] = await this.#lockAccounts(where, [customer, unit, stripeAccount])
        if (account !== undefined) await this.#loadGrants([account.id])
        return answer(account?.id ?? null)
      }
      case 'accountById':
        await this.#lockAccounts('id = $1', [need.id])
        return
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
        this.#answer({ what: 'account', key: need.key }, id)
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
        return this.#loadHolds([need.id])
      case 'holdsOfJob': {
        const sql = `SELECT id FROM ${credit_holds} WHERE job = $1 ORDER BY id`
        const holds = (await this.#ask(sql, [need.job])).map((row) => row['id'] as string)
        await this.loadHinted({ holds })
        return answer(holds)
      }
      case 'endedLeases': {
        const ids = await this.#ask(
          `SELECT id FROM ${credit_holds} WHERE state = 'open' AND lease_until <= $1
           ORDER BY lease_until, id LIMIT $2`,
          [need.now, need.limit],
        )
        const holds = ids.map((row) => row['id'] as string)
        await this.loadHinted({ holds })
        return answer(holds)
      }
      case 'pool': {
        return this.#lockPools([[need.pool, need.period]])
      }
      case 'lastPool': {
        const sql = `SELECT period FROM ${credit_pools} WHERE pool = $1 ORDER BY id DESC LIMIT 1`
        const [row] = await this.#ask(sql, [need.pool])
        return answer(row?.['period'] ?? null)
      }
      case 'entries': {
        const rows = await this.#ask(
          `SELECT * FROM ${credit_entries} WHERE account = $1 AND id < $2 ORDER BY id DESC LIMIT $3`,
          [need.account, need.before ?? Number.MAX_SAFE_INTEGER, need.limit],
        )
        return answer(rows.map(toEntry))
      }
      case 'entriesOf':
        return this.#loadEntries([need.account], [need.key])
      case 'entriesOfGrant': {
        const rows = await this.#ask(
          `SELECT * FROM ${credit_entries}
           WHERE account = $1 AND grant_id = $2 AND kind <> 'usage' ORDER BY id`,
          [need.account, need.grant],
        )
        return answer(rows.map(toEntry))
      }
      default:
        return answer(await askObjects(this.#ask, this.#schema, need))
    }
  }

  #answer(need: Need, value: unknown): void {
    this.#loaded.answers.set(questionOf(need), value)
  }

  #tables() {
    const schema = this.#schema
    return {
      credit_accounts: `${schema}.credit_accounts`,
      credit_grants: `${schema}.credit_grants`,
      credit_holds: `${schema}.credit_holds`,
      credit_pools: `${schema}.credit_pools`,
      credit_entries: `${schema}.credit_entries`,
    }
  }

  async #lockAccounts(where: string, values: readonly unknown[]): Promise<readonly AccountRow[]> {
    const { credit_accounts } = this.#tables()
    const sql = `SELECT * FROM ${credit_accounts} WHERE ${where} ORDER BY id FOR UPDATE`
    const accounts = (await this.#ask(sql, values)).map(toAccount)
    for (const account of accounts) this.#loaded.accounts.set(account.id, account)
    return accounts
  }

  /** In one order, so that nobody who locks several waits for who waits for them. */
  async #lockPools(pools: readonly (readonly [pool: string, period: string])[]): Promise<void> {
    const { credit_pools } = this.#tables()
    const sql = `SELECT * FROM ${credit_pools}
      WHERE (pool, period) IN (SELECT * FROM unnest($1::text[], $2::text[]))
      ORDER BY pool, period FOR UPDATE`
    const names = [pools.map(([pool]) => pool), pools.map(([, period]) => period)]
    const found = (await this.#ask(sql, names)).map(toPool)
    for (const row of found) this.#loaded.pools.set(poolName(row.pool, row.period), row)
    for (const [pool, period] of pools) {
      const isThere = this.#loaded.pools.has(poolName(pool, period))
      this.#answer({ what: 'pool', pool, period }, isThere)
    }
  }

  async #loadGrants(accounts: readonly number[]): Promise<void> {
    const { credit_grants } = this.#tables()
    const sql = `SELECT * FROM ${credit_grants}
      WHERE account = ANY ($1::bigint[]) AND state IN ('scheduled', 'active')`
    const grants = await this.#keepGrants(sql, [accounts])
    for (const account of accounts) {
      const own = grants.filter((grant) => grant.account === account).map(({ id }) => id)
      this.#answer({ what: 'grantsInUse', account }, own)
    }
  }

  async #keepGrants(sql: string, values: readonly unknown[]): Promise<readonly GrantRow[]> {
    const grants = (await this.#ask(sql, values)).map(toGrant)
    for (const grant of grants) this.#loaded.grants.set(grant.id, grant)
    return grants
  }

  async #loadHolds(ids: readonly string[]): Promise<void> {
    const { credit_holds } = this.#tables()
    const rows = await this.#ask(`SELECT * FROM ${credit_holds} WHERE id = ANY ($1::text[])`, [ids])
    const holds = new Map(rows.map(toHold).map((hold) => [hold.id, hold]))
    for (const id of ids) {
      const hold = holds.get(id)
      if (hold !== undefined) this.#loaded.holds.set(id, hold)
      this.#answer({ what: 'hold', id }, hold !== undefined)
    }
  }

  async #loadEntries(accounts: readonly number[], keys: readonly string[]): Promise<void> {
    const { credit_entries } = this.#tables()
    const sql = `SELECT * FROM ${credit_entries}
      WHERE account = ANY ($1::bigint[]) AND key = ANY ($2::text[])`
    const rows = await this.#ask(sql, [accounts, keys])
    for (const account of accounts) {
      for (const key of keys) this.#loaded.entries.set(entryName(account, key), null)
    }
    for (const entry of rows.map(toEntry)) {
      this.#loaded.entries.set(entryName(entry.account, entry.key), entry)
    }
  }
}
