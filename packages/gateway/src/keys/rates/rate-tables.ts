import type { TableSet } from '../../store/tables.ts'
import { parallelRetryMs } from './rates.ts'

/** How long a process counts for running requests that it no longer speaks of, in ms. */
export const leaseMs = 60_000

const clock = 'coalesce(given_now, extract(epoch FROM clock_timestamp()) * 1000)'
/** What is counted is worth less than waiting for the disk: a crash of the server forgives some of it. */
const inHaste = `PERFORM set_config('synchronous_commit', 'off', true)`

/**
 * On Postgres alone. One row a key: what was used, and how many requests each process has under way, with
 * when it is no longer believed (`{"<process>": [3, 1790000000000]}`). Each question is one statement that
 * locks the row, so that no two processes let in the same request. Its clock is the database's.
 */
export const rateTables: TableSet = {
  name: 'gateway-rates',
  migrations: [
    [
      `CREATE TABLE {gateway_rates} (
        key text PRIMARY KEY,
        requests double precision NOT NULL,
        tokens double precision NOT NULL,
        at double precision NOT NULL,
        running jsonb NOT NULL
      ) WITH (fillfactor = 50)`,
      `CREATE FUNCTION {gateway_debt}(debt double precision, per_minute double precision, ms double precision)
        RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
          SELECT CASE WHEN per_minute IS NULL THEN 0
            ELSE greatest(0, debt - greatest(0, ms) * per_minute / 60000) END
        $$`,
      // Returns nothing where it lets in, else the limit and how long it is to be waited for.
      `CREATE FUNCTION {gateway_enter}(
          of_key text, process text, requests_limit double precision, tokens_limit double precision,
          running_limit integer, given_now double precision
        ) RETURNS TABLE (limit_name text, wait_ms double precision) LANGUAGE plpgsql AS $$
        #variable_conflict use_column
        DECLARE
          used record;
          moment double precision;
          owed_requests double precision;
          owed_tokens double precision;
          believed jsonb;
          running_now bigint;
        BEGIN
          ${inHaste};
          INSERT INTO {gateway_rates} VALUES (of_key, 0, 0, 0, '{}') ON CONFLICT DO NOTHING;
          SELECT * INTO used FROM {gateway_rates} WHERE key = of_key FOR UPDATE;
          moment := greatest(used.at, ${clock});
          owed_requests := {gateway_debt}(used.requests, requests_limit, moment - used.at);
          owed_tokens := {gateway_debt}(used.tokens, tokens_limit, moment - used.at);
          SELECT coalesce(jsonb_object_agg(each.key, each.value), '{}'),
              coalesce(sum((each.value ->> 0)::bigint), 0)
            INTO believed, running_now
            FROM jsonb_each(used.running) AS each
            WHERE (each.value ->> 1)::double precision > moment;
          RETURN QUERY SELECT one.what, one.ms FROM (VALUES
              ('requests_per_minute', (owed_requests + 1 - requests_limit) * 60000 / requests_limit,
                owed_requests + 1 > requests_limit + 1e-6),
              ('tokens_per_minute', (owed_tokens - tokens_limit) * 60000 / tokens_limit + 1,
                owed_tokens >= tokens_limit - 1e-6),
              ('parallel_requests', ${parallelRetryMs}::double precision, running_now >= running_limit)
            ) AS one (what, ms, is_beyond)
            WHERE one.is_beyond ORDER BY one.ms DESC LIMIT 1;
          IF FOUND THEN RETURN; END IF;
          IF running_limit IS NOT NULL THEN
            believed := jsonb_set(believed, ARRAY[process], jsonb_build_array(
              coalesce((believed -> process ->> 0)::bigint, 0) + 1, moment + ${leaseMs}));
          END IF;
          UPDATE {gateway_rates} SET requests = owed_requests + 1, tokens = owed_tokens, at = moment,
            running = believed WHERE key = of_key;
        END $$`,
      `CREATE FUNCTION {gateway_leave}(
          of_key text, process text, ended integer, used_tokens double precision,
          requests_limit double precision, tokens_limit double precision, given_now double precision
        ) RETURNS void LANGUAGE plpgsql AS $$
        #variable_conflict use_column
        DECLARE moment double precision := ${clock};
        BEGIN
          ${inHaste};
          UPDATE {gateway_rates} SET
            requests = {gateway_debt}(requests, requests_limit, moment - at),
            tokens = {gateway_debt}(tokens, tokens_limit, moment - at) + used_tokens,
            at = greatest(at, moment),
            running = CASE
              WHEN (running -> process ->> 0)::bigint > ended
              THEN jsonb_set(running, ARRAY[process, '0'], to_jsonb((running -> process ->> 0)::bigint - ended))
              WHEN ended > 0 THEN running - process
              ELSE running END
            WHERE key = of_key;
        END $$`,
      // Of each key how many run; null where that is just changing, so that what is written stays.
      `CREATE FUNCTION {gateway_running}(process text, counts jsonb, given_now double precision)
        RETURNS void LANGUAGE plpgsql AS $$
        #variable_conflict use_column
        DECLARE moment double precision := ${clock};
        BEGIN
          ${inHaste};
          UPDATE {gateway_rates} SET running = jsonb_set(running, ARRAY[process], jsonb_build_array(
              coalesce((counts ->> key)::bigint, (running -> process ->> 0)::bigint, 0),
              moment + ${leaseMs}))
            WHERE key IN (SELECT jsonb_object_keys(counts));
        END $$`,
    ],
  ],
}
