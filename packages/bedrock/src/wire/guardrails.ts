import {
  countReader,
  type Endpoint,
  isErrorAnswer,
  jsonObject,
  noEstimate,
  noTokens,
  unknownUsage,
  type UsageDetails,
  usageDetails,
} from '@token-meter/core/wire'

import { guardrailBounds } from './bounds.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * What is billed of a guardrail's usage. Words and regular expressions are free:
 * https://aws.amazon.com/bedrock/pricing
 */
const billed: readonly string[] = [
  'topicPolicyUnits',
  'contentPolicyUnits',
  'contentPolicyImageUnits',
  'sensitiveInformationPolicyUnits',
  'contextualGroundingPolicyUnits',
  'automatedReasoningPolicyUnits',
]

/** `POST /guardrail/{id}/version/{version}/apply` and `/guardrail-checks/invoke`: no model, no tokens. */
export const guardrail: Endpoint = {
  name: 'guardrail',
  bounds: guardrailBounds,
  read(response, { body }) {
    if (isErrorAnswer(response, 'usage', ['action', 'results'])) return []
    const usage = jsonObject(jsonObject(response).usage)
    const problems: string[] = []
    // Checks without a guardrail say their units by check: `contentFilter: { textUnits }`.
    const checks = Object.values(usage).map((check) => jsonObject(check).textUnits)
    const units = sum(checks, problems) + unitsOf(usage, problems)
    return [
      {
        ...unknownUsage(String(body.model)),
        tokens: noTokens,
        details: usageDetails({ guardrailUnits: units }),
        raw: usage,
        problems,
      },
    ]
  },
  ...noEstimate,
}

/**
 * The units that guardrails have checked for an answer of Converse, as far as its trace says it
 * (`guardrailConfig: { trace: 'enabled' }`).
 */
export function guardrailUnits(trace: unknown): UsageDetails {
  // As most are.
  if (trace === undefined) return {}
  const { inputAssessment, outputAssessments } = jsonObject(trace)
  const assessments = [inputAssessment, outputAssessments].flatMap((each) =>
    Object.values(jsonObject(each)).flat(),
  )
  const units = assessments.map((each) => {
    const { usage } = jsonObject(jsonObject(each).invocationMetrics)
    return unitsOf(jsonObject(usage), [])
  })
  return usageDetails({ guardrailUnits: units.reduce((all, one) => all + one, 0) })
}

function unitsOf(usage: Json, problems: string[]): number {
  return sum(
    billed.map((name) => usage[name]),
    problems,
  )
}

function sum(counts: readonly unknown[], problems: string[]): number {
  const count = countReader(problems)
  return counts.reduce<number>((all, each) => all + (count(each, 'units') ?? 0), 0)
}
