import {
  type Call,
  jsonObject,
  RunningUsage,
  type StreamReader,
  type TokenEstimate,
  type UsageReading,
} from '@token-meter/core/wire'
import type { InteractionWatch } from '../jobs/interaction-watch.ts'
import { InteractionTools } from './interaction-tools.ts'
import { interactionReading, readInteraction } from './interaction-reading.ts'

const lastEvents = new Set(['interaction.completed', 'interaction.complete'])

/** A hop that is over. */
interface Completed {
  readonly ended: Readonly<Record<string, unknown>>
  readonly tools: InteractionTools
}

/**
 * Follows a streamed interaction. Its usage comes with `interaction.completed`; with automatic
 * continuation there are several, each of them a hop of its own, billed by itself.
 */
export class InteractionStreamReader implements StreamReader {
  readonly hides = false
  readonly #call: Call
  readonly #output: TokenEstimate
  readonly #watch: InteractionWatch
  #running = new RunningUsage()
  readonly #completed = new Map<unknown, Completed>()
  /** Of the hop under way. */
  #tools = new InteractionTools()
  #latest: Readonly<Record<string, unknown>> = {}
  #isBetweenHops = false
  #isRefused = false

  constructor(call: Call, output: TokenEstimate, watch: InteractionWatch) {
    this.#call = call
    this.#output = output
    this.#watch = watch
  }

  get finished(): boolean {
    return this.#completed.size > 0 && !this.#isBetweenHops
  }

  get usageSeen(): boolean {
    return this.finished
  }

  see(event: unknown): boolean {
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
    return false
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
    this.#isBetweenHops = status === 'requires_continuation'
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
