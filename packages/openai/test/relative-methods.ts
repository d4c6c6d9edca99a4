import { type MethodRow, parsedRows } from '@token-meter/testkit/internal'

const groq = `
metered | each request; the usage of a stream is in its last chunk, unasked; a system of several models (\`groq/compound\`) has a record for each model of its \`usage_breakdown\`, which add up to its usage
  chat.completions: create
metered | each request: input tokens
  embeddings: create
metered | seconds of the verbose form (\`details.seconds\`); otherwise no answer tells them, and the record is a flagged estimate of the text
  audio.transcriptions: create
  audio.translations: create
metered | characters of the input (\`details.characters\`)
  audio.speech: create
metered | remembers who pays; a batch whose answer has usage is billed once, when it is first seen finished, and one without is reported: its output file has it
  batches: create retrieve cancel
free | looks up, stores or deletes
  batches: list
  files: content create delete info list
  models: delete list retrieve
`

const together = `
metered | each request; a stream is asked for its usage, which the caller does not see
  chat.completions: create stream
  completions: create
metered | each request: input tokens
  embeddings: create
  rerank: create
metered | images by piece (\`details.images\`)
  images: generate
metered | seconds of the verbose form (\`details.seconds\`); otherwise no answer tells them, and the record is a flagged estimate of the text
  audio.transcriptions: create
  audio.translations: create
metered | characters of the input (\`details.characters\`), streamed as well
  audio.speech: create
metered | seconds (\`details.seconds\`) and what was charged (\`details.providerCostUsd\`), once, when first seen completed; only videos that this process asked for
  videos: create retrieve
not metered | what it used is in its output file; reported once
  batches: create
not metered | its results do not say what it used; reported once
  evals: create
not metered | training has a price of its own; reported once
  fineTuning: create
not metered | billed by the session; reported once
  codeInterpreter: execute
free | looks up, stores, changes or deletes
  audio.voices: list
  batches: cancel list retrieve
  codeInterpreter.sessions: list
  evals: list retrieve status
  files: content delete list retrieve upload
  fineTuning: cancel content delete estimatePrice list listCheckpoints listEvents listMetrics modelLimits preview retrieve retrieveTokenizedDataset
  models: list upload
  models.uploads: status
free | no tokens: machines, storage and what is deployed on them are billed by Together by time
  beta.clusters: *
  beta.endpoints: *
  beta.jig: *
  beta.models: *
  endpoints: *
`

const cerebras = `
metered | each request; a stream is asked for its usage, which the caller does not see
  chat.completions: create
  completions: create
free | looks up; what warms the connection of a new client is no call either
  models: list retrieve
`

const perplexity = `
metered | each request, with the cost that its usage states; reasoning stands beside the output
  chat.completions: create
metered | remembers who pays; billed once, when it is first seen completed; one of another process to who asks within a day
  async.chat.completions: create get
metered | each request; a background response once, when first seen finished
  responses: create retrieve cancel
metered | each request: input tokens, with the cost that its usage states
  embeddings: create
  contextualizedEmbeddings: create
metered | each request, as one search (\`details.webSearchRequests\`)
  search: create
free | looks up or deletes; browsers are billed by time
  async.chat.completions: list
  browser.sessions: create delete
  responses.files: content list
`

/** Every resource method of each SDK by the same generator, by the name of its package. */
export const relativeRows: Readonly<Record<string, readonly MethodRow[]>> = {
  'groq-sdk': parsedRows(groq),
  'together-ai': parsedRows(together),
  '@cerebras/cerebras_cloud_sdk': parsedRows(cerebras),
  '@perplexity-ai/perplexity_ai': parsedRows(perplexity),
}
