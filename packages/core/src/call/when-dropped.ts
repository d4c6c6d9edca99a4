/** What has to be told when nobody can read a response any more. It must not hold the response. */
export interface ResponseWatcher {
  dropped(): void
}

// Workers with a compatibility date before May 2025 have none: there what is dropped is not seen.
const registry =
  typeof FinalizationRegistry === 'undefined'
    ? undefined
    : new FinalizationRegistry<ResponseWatcher>((watcher) => watcher.dropped())

/**
 * Tells the watcher when a response was dropped without being read: it was generated, and is owed,
 * all the same. An object and not a function, which would easily hold the response through the
 * scope that it was made in.
 */
export function whenDropped(response: object, watcher: ResponseWatcher): void {
  registry?.register(response, watcher)
}
