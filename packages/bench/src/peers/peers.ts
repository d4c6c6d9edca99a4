import type { SubjectDefinition } from '../calls/subject/subject.ts'
import { braintrust } from './braintrust.ts'
import { dodo } from './dodo.ts'
import { langfuse } from './langfuse.ts'
import { langsmith } from './langsmith.ts'
import { llmMeter } from './llm-meter.ts'
import { openinference } from './openinference.ts'
import { posthog } from './posthog.ts'
import { sentry } from './sentry.ts'
import { traceloop } from './traceloop.ts'

export const peers: readonly SubjectDefinition[] = [
  dodo,
  llmMeter,
  langfuse,
  posthog,
  langsmith,
  braintrust,
  sentry,
  traceloop,
  openinference,
]
