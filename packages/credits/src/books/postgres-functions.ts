/**
 * What an operation asks in one round trip each, as functions of the database, which keeps how it does
 * them: planning them anew would take longer than doing them. Amounts go as text, since they are larger
 * than a number of JSON is exact.
 */

/** How rows are given to `credit_write`. */
const given = {
  accounts: 'id bigint, debt bigint, next_due_at double precision, blocked text, collect text',
  grants: `id bigint, account bigint, amount bigint, remaining bigint, held bigint, revoked bigint,
    state text, priority integer, kind text, effective_at double precision, expires_at double precision,
    source text, idempotency_key text, created_at double precision`,
  holds: `id text, account bigint, amount bigint, floor bigint, allocation jsonb, pools jsonb,
    named integer, job text, lease_until double precision, created_at double precision`,
  ended: 'id text, account bigint, amount bigint, named integer',
  pools: 'pool text, period text, "limit" bigint, carried bigint, spent bigint, held bigint',
  entries: `account bigint, id bigint, grant_id bigint, kind text, amount bigint, key text,
    hold text, record text, pools jsonb, ref text, actor text, at double precision`,
  objects: `account bigint, id text, kind text, state jsonb, version integer,
    due_at double precision, at double precision`,
} as const

/** The parameters of `credit_write`, in their order: those that are null write nothing. */
export const writtenParameters = [
  'accounts',
  'grants',
  'newGrants',
  'holds',
  'newHolds',
  'endedHolds',
  'pools',
  'newPools',
  'entries',
  'objects',
] as const

/** @param schema quoted. */
export function creditFunctions(schema: string): readonly string[] {
  return [loading(schema), writing(schema)]
}

/**
 * Accounts of customers and of holds, with all that an operation on them mostly needs. Each statement of
 * it sees what was committed before that statement began: what is read of an account is read once it is
 * locked.
 */
function loading(schema: string): string {
  const texts = (...names: string[]) =>
    `to_jsonb(one) || jsonb_build_object(${names.map((name) => `'${name}', one."${name}"::text`).join(', ')})`
  const leases = `kind = 'lease' AND key = 'lease:' || hold
    AND (hold = ANY (of_holds) OR ref = ANY (of_jobs))`
  return `CREATE FUNCTION ${schema}.credit_load(
      of_customers text[], of_holds text[], of_jobs text[],
      of_pools text[], of_periods text[], of_keys text[]
    ) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
    #variable_conflict use_column
    DECLARE
      locked bigint[];
      found_holds jsonb;
      found_leases jsonb;
      found_pools jsonb;
    BEGIN
      SELECT array_agg(one.id) INTO locked FROM (
        SELECT id FROM ${schema}.credit_accounts
        WHERE customer = ANY (of_customers) OR id = ANY (ARRAY(
          SELECT account FROM ${schema}.credit_holds WHERE id = ANY (of_holds) OR job = ANY (of_jobs)
          UNION SELECT account FROM ${schema}.credit_entries WHERE ${leases}))
        ORDER BY id FOR UPDATE) AS one;
      IF cardinality(of_holds) > 0 OR cardinality(of_jobs) > 0 THEN
        SELECT jsonb_agg(${texts('amount', 'floor')}) INTO found_holds FROM (
          SELECT * FROM ${schema}.credit_holds WHERE id = ANY (of_holds) OR job = ANY (of_jobs)
          ORDER BY id FOR UPDATE) AS one;
      END IF;
      IF cardinality(of_jobs) > 0
          OR cardinality(of_holds) > coalesce(jsonb_array_length(found_holds), 0) THEN
        SELECT jsonb_agg(${texts('amount')}) INTO found_leases
        FROM ${schema}.credit_entries AS one WHERE ${leases};
      END IF;
      SELECT array_agg(pair ->> 0), array_agg(pair ->> 1) INTO of_pools, of_periods FROM (
        SELECT jsonb_build_array(pool, period) AS pair FROM unnest(of_pools, of_periods) AS asked (pool, period)
        UNION SELECT jsonb_array_elements(held -> 'pools')
        FROM jsonb_array_elements(found_holds) AS held
        WHERE jsonb_typeof(held -> 'pools') = 'array') AS pairs;
      IF of_pools IS NOT NULL THEN
        SELECT jsonb_agg(${texts('limit', 'carried', 'spent', 'held')}) INTO found_pools FROM (
          SELECT * FROM ${schema}.credit_pools
          WHERE (pool, period) IN (SELECT * FROM unnest(of_pools, of_periods))
          ORDER BY pool COLLATE "C", period COLLATE "C" FOR UPDATE) AS one;
      END IF;
      RETURN jsonb_build_object(
        'holds', found_holds, 'leases', found_leases, 'pools', found_pools,
        'askedPools', (SELECT jsonb_agg(jsonb_build_array(pool, period))
          FROM unnest(of_pools, of_periods) AS asked (pool, period)),
        'accounts', (SELECT jsonb_agg(${texts('debt')} || jsonb_build_object('last_entry',
            (SELECT max(id) FROM ${schema}.credit_entries WHERE account = one.id)) ORDER BY one.id)
          FROM ${schema}.credit_accounts AS one WHERE one.id = ANY (locked)),
        'grants', (SELECT jsonb_agg(${texts('amount', 'remaining', 'held', 'revoked')})
          FROM ${schema}.credit_grants AS one
          WHERE account = ANY (locked) AND state IN ('scheduled', 'active')),
        'entries', CASE WHEN cardinality(of_keys) > 0 THEN (
          SELECT jsonb_agg(${texts('amount')}) FROM ${schema}.credit_entries AS one
          WHERE account = ANY (locked) AND key = ANY (of_keys)) END);
    END $$`
}

/** Everything that an operation has changed. */
function writing(schema: string): string {
  const names = (columns: string) =>
    columns
      .split(',')
      .map((column) => column.trim().split(' ', 1)[0])
      .join(', ')
  const rows = (parameter: number, columns: string) =>
    `jsonb_to_recordset($${parameter}) AS given (${columns})`
  const add = (table: string, parameter: number, columns: string) =>
    `INSERT INTO ${schema}.${table} (${names(columns)}) SELECT * FROM ${rows(parameter, columns)}`
  const statements: Readonly<Record<(typeof writtenParameters)[number], string>> = {
    accounts: `UPDATE ${schema}.credit_accounts AS one SET debt = given.debt,
        next_due_at = given.next_due_at, blocked = given.blocked, collect = given.collect
      FROM ${rows(1, given.accounts)} WHERE one.id = given.id`,
    grants: `UPDATE ${schema}.credit_grants AS one SET remaining = given.remaining, held = given.held,
        revoked = given.revoked, state = given.state
      FROM ${rows(2, given.grants)} WHERE one.id = given.id`,
    newGrants: add('credit_grants', 3, given.grants),
    holds: `UPDATE ${schema}.credit_holds AS one SET amount = given.amount,
        allocation = given.allocation, job = given.job, lease_until = given.lease_until
      FROM ${rows(4, given.holds)} WHERE one.id = given.id`,
    newHolds: add('credit_holds', 5, given.holds),
    endedHolds: `WITH deleted AS (
        DELETE FROM ${schema}.credit_holds AS one USING ${rows(6, given.ended)}
        WHERE one.id = given.id)
      INSERT INTO ${schema}.credit_ended_holds (id, account, amount)
      SELECT id, account, amount FROM ${rows(6, given.ended)} WHERE named = 1`,
    pools: `UPDATE ${schema}.credit_pools AS one
      SET "limit" = given."limit", spent = given.spent, held = given.held
      FROM ${rows(7, given.pools)} WHERE one.pool = given.pool AND one.period = given.period`,
    newPools: add('credit_pools', 8, given.pools),
    entries: add('credit_entries', 9, given.entries),
    objects: `${add('credit_objects', 10, given.objects)}
      ON CONFLICT (account, id) DO UPDATE
      SET state = excluded.state, version = excluded.version, due_at = excluded.due_at, at = excluded.at`,
  }
  const each = writtenParameters.map(
    (name, index) => `IF $${index + 1} IS NOT NULL THEN ${statements[name]}; END IF;`,
  )
  return `CREATE FUNCTION ${schema}.credit_write(${writtenParameters.map(() => 'jsonb').join(', ')})
    RETURNS void LANGUAGE plpgsql VOLATILE AS $$ BEGIN ${each.join('\n')} END $$`
}
