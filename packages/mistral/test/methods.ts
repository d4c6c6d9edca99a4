import { type MethodRow, parsedRows } from '@token-meter/testkit/internal'

// Every method of both SDK majors: a verdict with its reason, and below it the resources and methods that
// it holds for. METHODS.md is written from this, with
// UPDATE_METHODS=1 vitest run --project mistral methods
const table = `
metered | each request, cached input apart, on the model that answered; streams say their usage unasked
  chat: complete parse parseStream stream
  agents: complete stream
  fim: complete stream
metered | each answer: what connectors found is input (\`connector_tokens\`), and their calls are in \`details\`
  beta.conversations: append appendStream restart restartStream start startStream
metered | each request: the input
  embeddings: create
metered | what the answer says; an estimate, flagged and reported, where it says nothing
  classifiers: classify classifyChat moderate moderateChat
metered | the pages processed (\`details.pages\`)
  ocr: process
metered | tokens, and the seconds of audio (\`details.seconds\`)
  audio.transcriptions: complete stream
metered | the characters of the input (\`details.characters\`), and the tokens that a stream says
  audio.speech: complete
metered | remembers who pays, where its requests are in it (\`requests\`); a job of files is reported once, as what it used stands in a file
  batch.jobs: create
metered | a finished job that shows its answers (\`inline: true\`) once, as a record for each, with service tier \`batch\`, to who created it in this process
  batch.jobs: get cancel
not metered | a document is read after the answer, and its \`tokens_processing_total\` says what that used; reported once
  beta.libraries.documents: reprocess upload
not metered | judges run models, and no answer says what they used; reported once
  beta.observability.campaigns: create
  beta.observability.chatCompletionEvents: judge
  beta.observability.datasets.records: judge
  beta.observability.judges: judgeConversation
not metered | training has a price of its own; reported once
  fineTuning.jobs: create
free | looks up, stores, changes or deletes
  audio.voices: *
  batch.jobs: delete list
  beta.agents: *
  beta.conversations: delete get getHistory getMessages list
  beta.libraries.accesses: *
  beta.libraries.documents: delete extractedTextSignedUrl get getSignedUrl librariesDocumentsUpdateV1 list status textContent update
  beta.libraries: create delete get librariesUpdateV1 list update
  beta.observability: *
  beta.prompts: *
  beta.rag: *
  beta.serviceAccounts: *
  beta.skills: *
  beta.users: *
  files: *
  fineTuning.jobs: cancel get list start
  models: *
free | runs a tool of an MCP server by itself: no model runs
  beta.connectors: *
free | runs in workers of your own, whose calls to models are metered there
  events: *
  workflows: *
free | makes a key for a browser, whose usage this process never sees; a connection is metered where it is opened
  realtime.sessions: create
`

/** The table; where several rows hold for a method, the first does. */
export const methodRows: readonly MethodRow[] = parsedRows(table)
