/** The events of a record that the sink refused afterwards, as JSON; null where there are none. */
export function refusedEvents(schema: string, sink: string, seq: string): string {
  return `(SELECT array_to_json(refused.ids)::text FROM ${schema}.refused_events AS refused
    WHERE refused.sink = ${sink} AND refused.seq = ${seq})`
}

/** The same as a field of an entry, absent where there are none. */
export function refusedEventIds(json: string | null): { refusedEventIds?: readonly string[] } {
  return json === null ? {} : { refusedEventIds: JSON.parse(json) as string[] }
}
