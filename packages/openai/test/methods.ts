import { type MethodRow, parsedRows } from '@token-meter/testkit/internal'

// Every resource method of every SDK major: a verdict with its reason, and below it the resources
// and methods that it holds for. METHODS.md is written from this, with
// UPDATE_METHODS=1 vitest run --project openai methods
const table = `
metered | characters of the input (\`details.characters\`); tokens with \`stream_format: 'sse'\`; the audio itself is never looked at
  audio.speech: create
metered | tokens, or seconds (\`details.seconds\`); text, SRT and VTT have neither, and are a flagged estimate; streamed as well
  audio.transcriptions: create
metered | seconds of the verbose form; otherwise neither seconds nor tokens are told, and the record is a flagged estimate of the text
  audio.translations: create
metered | the totals of a finished batch, once, with service tier \`batch\`, to who created it; one of another process to who asks within a day of its end; reading its files bills nothing
  batches: cancel retrieve
metered | remembers who pays; the totals are billed when the batch is first seen finished
  batches: create
metered | each request; a stream is asked for its usage where the host takes that
  chat.completions: create parse runTools stream
metered | a background response once, to who created it; a stored one was billed before, and is free
  beta.responses: cancel retrieve
  responses: cancel retrieve
metered | each request, on the requested model
  beta.responses: compact
  responses: compact
metered | each request; a background response once, when first seen finished; image tools and SVG authors on their own models
  beta.responses: create
  responses: create parse stream
metered | a run once, when first seen finished, to who created it; its steps are part of it
  beta.threads: createAndRun createAndRunPoll createAndRunStream
  beta.threads.runs: cancel create createAndPoll createAndStream poll retrieve stream submitToolOutputs submitToolOutputsAndPoll submitToolOutputsStream
metered | each request, as chat completions
  completions: create
metered | each request
  decisions: create
metered | each request: input tokens
  embeddings: create
metered | a run once, when first seen finished: a record for each model
  evals.runs: cancel create retrieve
metered | a record for each model that graded; a usage of unknown shape is reported
  fineTuning.alpha.graders: run
metered | tokens of the GPT image models, on the requested model; pieces (\`details.images\`) of models without tokens; an SVG's author on its own model; streamed as well
  images: createVariation edit generate
metered | seconds (\`details.seconds\`), once, when first seen completed; only videos that this process asked for
  videos: create edit extend remix retrieve
not metered | turns name no model and count the root agent alone, at best effort; reported once
  beta.agents.automations.invocations: create
  beta.agents.sessions: create stream
  beta.agents.sessions.events: create
not metered | training is billed by \`trained_tokens\`, at a price of its own; reported once
  fineTuning.jobs: create
free | administration: no model runs
  admin.organization.adminAPIKeys: create delete list retrieve
  admin.organization.auditLogs: list
  admin.organization.certificates: activate create deactivate delete list retrieve update
  admin.organization.dataRetention: retrieve update
  admin.organization.externalKeys: create delete list retrieve validate
  admin.organization.externalStorage: create delete list retrieve validate
  admin.organization.groups: create delete list retrieve update
  admin.organization.groups.roles: create delete list retrieve
  admin.organization.groups.users: create delete list retrieve
  admin.organization.invites: create delete list retrieve
  admin.organization.projects.apiKeys: delete list retrieve update
  admin.organization.projects: archive create list retrieve update
  admin.organization.projects.certificates: activate deactivate list
  admin.organization.projects.dataRetention: retrieve update
  admin.organization.projects.groups: create delete list retrieve
  admin.organization.projects.groups.roles: create delete list retrieve
  admin.organization.projects.hostedToolPermissions: retrieve update
  admin.organization.projects.modelPermissions: delete retrieve update
  admin.organization.projects.rateLimits: listRateLimits updateRateLimit
  admin.organization.projects.roles: create delete list retrieve update
  admin.organization.projects.serviceAccounts.apiKeys: create
  admin.organization.projects.serviceAccounts: create delete list retrieve update
  admin.organization.projects.serviceTierSettings: retrieve update
  admin.organization.projects.spendAlerts: create delete list retrieve update
  admin.organization.projects.spendLimit: delete retrieve update
  admin.organization.projects.users: create delete list retrieve update
  admin.organization.projects.users.roles: create delete list retrieve
  admin.organization.roles: create delete list retrieve update
  admin.organization.spendAlerts: create delete list retrieve update
  admin.organization.spendLimit: delete retrieve update
  admin.organization.usage: audioSpeeches audioTranscriptions codeInterpreterSessions completions costs decisions embeddings fileSearchCalls images moderations vectorStores webSearchCalls
  admin.organization.users: delete list retrieve update
  admin.organization.users.roles: create delete list retrieve
  admin.organization.workloadIdentityProviders: create delete list retrieve update
  admin.organization.workloadIdentityProviders.federationRules: create delete list retrieve update
free | stores voices: no model runs
  audio.voiceConsents: create delete list retrieve update
  audio.voices: create delete
free | shows totals that \`retrieve\` bills
  batches: list
free | looks up, changes or stores; what costs tokens is in sessions
  beta.agents.automations: create delete list pause resume retrieve update
  beta.agents.automations.invocations: list retrieve
  beta.agents: create delete list retrieve update
  beta.agents.environments: create list retrieve
  beta.agents.environments.files: create list prepare upload
  beta.agents.environments.templates: create delete list retrieve update
  beta.agents.sessions.artifacts: content delete forResult list retrieve
  beta.agents.sessions: delete list retrieve update
  beta.agents.sessions.events: stream
  beta.agents.sessions.items: list
  beta.agents.sessions.subagents.items: list
  beta.agents.sessions.subagents: list retrieve
  beta.agents.sessions.subagents.turns.items: list
  beta.agents.sessions.subagents.turns: list retrieve
  beta.agents.sessions.traces: list
  beta.agents.sessions.turns.items: list
  beta.agents.sessions.turns: list retrieve
  beta.agents.vaults: create delete list retrieve update
  beta.agents.vaults.credentials: create delete list retrieve update
free | stores settings: no model runs
  beta.assistants: create delete list retrieve update
free | removed: it throws, and names runTools
free | makes a key for a browser, whose usage this process never sees
  beta.chatkit.sessions: cancel create
  beta.chatkit.threads: delete list listItems retrieve
free | makes a key; a connection is metered where it is opened
  beta.realtime.sessions: create
  beta.realtime.transcriptionSessions: create
free | looks up or deletes what was billed when it was made
  beta.responses: delete
  beta.responses.inputItems: list
  responses: delete
  responses.inputItems: list
free | counting is free
  beta.responses.inputTokens: count
  responses.inputTokens: count
free | stores messages: no model runs
  beta.threads: create delete retrieve update
  beta.threads.messages: create delete list retrieve update
free | looks up or changes; the usage it shows is part of the run
  beta.threads.runs: list update
  beta.threads.runs.steps: list retrieve
free | looks up or changes what is stored, which was billed when it was made; its \`usage\` is that of then
  chat.completions: delete list retrieve update
  chat.completions.messages: list
free | no tokens: sandboxes are billed by OpenAI per session
  containers: create delete list retrieve
  containers.files.content: retrieve
  containers.files: create delete list retrieve
free | checks a file: no tokens
  contentProvenanceChecks: create
free | stores items: no model runs
  conversations: create delete retrieve update
  conversations.items: create delete list retrieve
free | looks up, changes or deletes; the runs are what is billed
  evals: create delete list retrieve update
  evals.runs: delete list
  evals.runs.outputItems: list retrieve
free | no model runs
  files: content create delete list retrieve waitForProcessing
  models: delete list retrieve
  uploads: cancel complete create
  uploads.parts: create
free | looks up, changes or checks: the job is what is billed
  fineTuning.alpha.graders: validate
  fineTuning.checkpoints.permissions: create delete list retrieve
  fineTuning.jobs: cancel list listEvents pause resume retrieve
  fineTuning.jobs.checkpoints: list
free | handles sessions; a connection is metered where it is opened
  live: create
  live.sessions: accept downloadRecording fork hangup refer reject
free | OpenAI does not charge for moderation
  moderations: create
free | handles keys and calls; a connection is metered where it is opened
  realtime.calls: accept create hangup refer reject
  realtime.clientSecrets: create
  realtime.translations.clientSecrets: create
free | looks up
  safety.alerts: retrieve
  safety.cases: retrieve
free | stores files: no model runs
  skills.content: retrieve
  skills: create delete list retrieve update
  skills.versions.content: retrieve
  skills.versions: create delete list retrieve
free | no tokens: storage is billed by OpenAI per day, not per call
  vectorStores: create delete list retrieve search update
  vectorStores.fileBatches: cancel create createAndPoll listFiles poll retrieve uploadAndPoll
  vectorStores.files: content create createAndPoll delete list poll retrieve update upload uploadAndPoll
free | looks up, downloads or deletes
  videos: createCharacter delete downloadContent getCharacter list
free | no model runs; what an event announces is billed when it is retrieved
  webhooks: create delete list retrieve rotateSecret test unwrap update verifySignature
  webhooks.eventTypes: list
`

/** The table, a row for each method. */
export const methodRows: readonly MethodRow[] = parsedRows(table)
