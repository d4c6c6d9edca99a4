/** What a request asks for, as far as it costs something. */
export type Route =
  | { readonly kind: OneShot }
  | { readonly kind: 'response-again'; readonly responseId: string }
  /** Starts a job, which is billed when it is seen finished. */
  | { readonly kind: 'job'; readonly job: JobName }
  | { readonly kind: 'job-again'; readonly job: JobName; readonly jobId: string }
  /** Costs something that no answer tells for certain. */
  | { readonly kind: 'unmetered'; readonly calls: string; readonly why: string }

/** Endpoints whose own answer says what it used. Named after their path. */
export type OneShot =
  | 'chat.completions'
  | 'completions'
  | 'embeddings'
  | 'responses'
  | 'responses.compact'
  | 'images.generations'
  | 'images.edits'
  | 'images.variations'
  | 'audio.transcriptions'
  | 'audio.translations'
  | 'audio.speech'
  | 'decisions'
  | 'graders'
  | 'rerank'
  | 'search'

/** Work that the provider goes on with after it has answered. */
export type JobName =
  | 'batches'
  | 'threads.runs'
  | 'evals.runs'
  | 'videos'
  | 'async.chat.completions'

/** A path with an id in it, which is its first group; `'free'` where it bills nothing. */
export type Pattern = readonly [
  method: string,
  path: RegExp,
  route: ((id: string) => Route) | 'free',
]

/** The routes that start a job. */
export const started = (job: JobName) => (): Route => ({ kind: 'job', job })

/** The routes that show a job again, or let it go on. */
export const again =
  (job: JobName) =>
  (jobId: string): Route => ({ kind: 'job-again', job, jobId })

/** The routes that cost what no answer tells: which calls those are, and why. */
export const unmetered = (calls: string, why: string) => (): Route => ({
  kind: 'unmetered',
  calls,
  why,
})
