/** Since when a record is uncertain that no sink has an item of: what the outbox rested before. */
export function doubtOf(schema: string, seq: string): string {
  return `(SELECT min(since) FROM ${schema}.rests WHERE distrusted AND upto >= ${seq})`
}
