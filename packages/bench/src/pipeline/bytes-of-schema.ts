import { createRequire } from 'node:module'

/** What is used here of the package `pg`, whose types this package does not have. */
interface Postgres {
  readonly Client: new (options: { readonly connectionString: string }) => {
    connect(): Promise<void>
    query(
      text: string,
      values: readonly string[],
    ): Promise<{ readonly rows: readonly { readonly bytes: string }[] }>
    end(): Promise<void>
  }
}

/** What the tables of a schema take on disk, with their indexes. */
export async function bytesOfSchema(url: string, schema: string): Promise<number> {
  const { Client } = createRequire(import.meta.url)('pg') as Postgres
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query(
      `SELECT coalesce(sum(pg_total_relation_size(oid)), 0) AS bytes FROM pg_class
       WHERE relkind = 'r' AND relnamespace = to_regnamespace($1)`,
      [schema],
    )
    return Number(rows[0]?.bytes)
  } finally {
    await client.end()
  }
}
