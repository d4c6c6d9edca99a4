import {
  type Call,
  type Endpoint,
  jsonObject,
  RunningUsage,
  type StreamReader,
  text,
  type TokenEstimate,
  unknownUsage,
  type UsageReading,
} from '@token-meter/core/wire'
import { interactionBounds } from './bounds.ts'
import { InteractionTools } from './tools.ts'
import { interactionsUsage } from './usage/interactions.ts'

/**
 * Google keeps an interaction, which can be seen again: a background one until it is finished, any
 * other where it is continued. Each is billed once, and what decides when is handed in.
 */
export interface InteractionWatch {
  /** Any interaction object, whole or inside an event. Returns false when it must not be billed now. */
  bills(interaction: unknown): boolean
  /** The stream broke off. Returns false when the interaction goes on without it. */
  billsInterrupted(id: string | undefined): boolean
}

/** `POST /interactions`, and what asks for an interaction again; the watch decides what is billed. */
export function interactionsEndpoint(watch: InteractionWatch): Endpoint {
  return {
    name: 'interactions',
    bounds: interactionBounds,
    read: (response, { provider }) => readInteraction(response, provider, watch),
    openStream: (call, output) => new InteractionStreamReader(call, output, watch),
    estimateInput(body, estimate) {
      estimate.addStrings([body.input, body.system_instruction, body.tools])
    },
    estimateOutput(response, estimate) {
      const { steps, outputs } = jsonObject(response)
      addSteps(steps, estimate)
      addSteps(outputs, estimate)
    },
  }
}

const unbilledWithoutUsage = new Set(['failed', 'cancelled'])

/** What one interaction owes; nothing while it goes on, or when it was billed before. */
function readInteraction(
  interaction: unknown,
  provider: string,
  watch: InteractionWatch,
  streamed?: InteractionTools,
): readonly UsageReading[] {
  const fields = jsonObject(interaction)
  if (fields.error !== undefined && fields.id === undefined) return []
  if (!watch.bills(interaction) || isUnfinished(interaction)) return []
  const { usage, status } = fields
  if ((usage ?? undefined) === undefined && unbilledWithoutUsage.has(String(status))) return []
  const tools = streamed ?? new InteractionTools()
  tools.seeAll(fields.steps ?? fields.outputs)
  return [interactionReading(fields, usage, provider, tools)]
}

/** The reading of a usage object that may be missing. */
function interactionReading(
  { id, model, agent, service_tier }: Readonly<Record<string, unknown>>,
  usage: unknown,
  provider: string,
  tools: InteractionTools,
): UsageReading {
  const name = text(model) ?? text(agent)
  const unknown = unknownUsage(name, text(service_tier))
  const counts = usage === undefined || usage === null ? unknown : interactionsUsage(usage)
  // What the usage itself says of tools stands before what the steps show.
  const details = { ...tools.details(String(name)), ...counts.details }
  const reading = { ...unknown, ...counts, details, raw: copied(usage) }
  const known = text(id)
  if (known === undefined) return reading
  return { ...reading, identity: [provider, 'interactions', known], responseId: known }
}

/** The SDK goes on writing to the object that the caller gets. */
function copied(usage: unknown): unknown {
  if (usage === undefined || usage === null) return undefined
  return Array.isArray(usage) || typeof usage !== 'object' ? usage : { ...usage }
}

const unfinished = new Set(['in_progress', 'queued'])

/** True for an interaction that is still going on. */
export function isUnfinished(interaction: unknown): boolean {
  return unfinished.has(String(jsonObject(interaction).status).toLowerCase())
}

const lastEvents = new Set(['interaction.completed', 'interaction.complete'])

/** An interaction that is over. */
interface Completed {
  readonly ended: Readonly<Record<string, unknown>>
  readonly tools: InteractionTools
}

/**
 * Follows a streamed interaction. Its usage comes with `interaction.completed`; with automatic
 * continuation there are several, each of them an interaction of its own, billed by itself.
 */
class InteractionStreamReader implements StreamReader {
  readonly rewrites = false
  readonly #call: Call
  readonly #output: TokenEstimate
  readonly #watch: InteractionWatch
  #running = new RunningUsage()
  readonly #completed = new Map<unknown, Completed>()
  /** Of the interaction under way. */
  #tools = new InteractionTools()
  #latest: Readonly<Record<string, unknown>> = {}
  #continues = false
  #isRefused = false

  constructor(call: Call, output: TokenEstimate, watch: InteractionWatch) {
    this.#call = call
    this.#output = output
    this.#watch = watch
  }

  get finished(): boolean {
    return this.#completed.size > 0 && !this.#continues
  }

  get usageSeen(): boolean {
    return this.finished
  }

  push(event: unknown): unknown {
    const fields = jsonObject(event)
    const { event_type: type, interaction, delta, error } = fields
    if (error !== undefined && error !== null) this.#isRefused = true
    if (interaction !== undefined) this.#seeInteraction(String(type), jsonObject(interaction))
    else this.#running.see(jsonObject(fields.metadata).total_usage ?? fields.usage)
    const { index, step } = fields
    this.#tools.see(step ?? fields.content ?? delta, index)
    const { text, content, name, arguments: args, partial_arguments: partial } = jsonObject(delta)
    this.#output.add(text)
    this.#output.add(jsonObject(content).text)
    this.#output.addToolCall(name)
    this.#output.addToolCall(args)
    this.#output.addToolCall(partial)
    return event
  }

  #seeInteraction(type: string, interaction: Readonly<Record<string, unknown>>): void {
    const { id, model, agent, status, service_tier, usage, created, error } = interaction
    this.#latest = { ...this.#latest, ...known({ id, model, agent, status, service_tier }) }
    if (!lastEvents.has(type)) return
    this.#running.see(usage)
    // Not the object itself: it holds the conversation.
    const ended = { ...this.#latest, status, usage: this.#running.latest ?? usage, created, error }
    this.#running = new RunningUsage()
    if (Array.isArray(interaction.steps)) this.#tools.seeAll(interaction.steps)
    this.#completed.set(id, { ended, tools: this.#tools })
    this.#tools = new InteractionTools()
    this.#continues = status === 'requires_continuation'
  }

  readings(): readonly UsageReading[] {
    const { provider } = this.#call
    if (this.#completed.size > 0) {
      return [...this.#completed.values()].flatMap(({ ended, tools }) =>
        readInteraction(ended, provider, this.#watch, tools),
      )
    }
    const { id } = this.#latest
    if (this.#isRefused && this.#output.isEmpty && this.#running.latest === undefined) return []
    if (!this.#watch.billsInterrupted(typeof id === 'string' ? id : undefined)) return []
    return [interactionReading(this.#latest, this.#running.latest, provider, this.#tools)]
  }
}

function known(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/** What the model wrote: not what was asked, nor what tools put there. */
function addSteps(steps: unknown, estimate: TokenEstimate): void {
  for (const step of Array.isArray(steps) ? steps.map(jsonObject) : []) {
    const { type, text, summary, content, name, arguments: args } = step
    if (type === 'user_input' || String(type).endsWith('_result')) continue
    estimate.addStrings([text, summary, content])
    estimate.addToolCall(name)
    estimate.addToolCall(args)
  }
}
