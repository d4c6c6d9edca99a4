import { type Call, noEstimate } from '../wire/endpoint.ts'
import type { JobStore } from '../wire/protocol.ts'
import type { ObservedCall } from './observed-call.ts'

/** How many jobs are remembered of each kind, so that memory stays bounded. */
const remembered = 10_000

/** Of the process, by the names of a protocol and a kind of its jobs. */
const memories = new Map<string, JobMemory>()

/** The jobs of one kind of a protocol, with the calls of this process that created them. */
export function jobMemory(protocol: string, kind: string): JobMemory {
  const name = `${protocol} ${kind}`
  const memory = memories.get(name) ?? new JobMemory(name)
  memories.set(name, memory)
  return memory
}

/**
 * Work that goes on at a provider after it was asked for, by id. A job is pending from its creation
 * on, with the call whose customer pays, and billed once, by whichever answer shows it finished
 * first.
 */
export class JobMemory {
  readonly #name: string
  readonly #pending = new Map<string, ObservedCall>()
  readonly #billed = new Set<string>()

  /** @param name of the kind of jobs, of all protocols. */
  constructor(name: string) {
    this.#name = name
  }

  /** What a job is called where something is held for it: the same in every process. */
  nameOf(id: string): string {
    return `${this.#name} ${id}`
  }

  /** True for a job that is known already, whatever has become of it. */
  knows(id: string): boolean {
    return this.#billed.has(id) || this.#pending.has(id)
  }

  /** A job was created and is not finished. */
  created(id: string, call: ObservedCall): void {
    if (this.knows(id)) return
    this.#pending.set(id, call)
    dropOldest(this.#pending)
  }

  /** The call that created a job and waits for its usage. */
  creatorOf(id: string): ObservedCall | undefined {
    return this.#pending.get(id)
  }

  isBilled(id: string): boolean {
    return this.#billed.has(id)
  }

  /** A job was seen finished. Returns false when it had been before. */
  settle(id: string): boolean {
    // Whoever shows it settles what is held, or gives it back.
    this.#pending.get(id)?.dismiss()
    this.#pending.delete(id)
    if (this.#billed.has(id)) return false
    this.#billed.add(id)
    dropOldest(this.#billed)
    return true
  }
}

let isLooking = false

/** Reads what was used by now of an answer that goes on: no job is created or billed by that. */
export function lookingAtJobs<Result>(look: () => Result): Result {
  isLooking = true
  try {
    return look()
  } finally {
    isLooking = false
  }
}

/** The jobs of one kind, as the protocol sees them while one call is under way. */
export class CallJobs implements JobStore<ObservedCall> {
  readonly #memory: JobMemory
  readonly #current: () => ObservedCall | undefined

  /** @param current the call under way; `undefined` where the meter failed to begin it. */
  constructor(memory: JobMemory, current: () => ObservedCall | undefined) {
    this.#memory = memory
    this.#current = current
  }

  created(id: string, fields: Call['body']): void {
    const call = this.#current()
    if (call === undefined || isLooking || this.#memory.knows(id)) return
    // Who pays, without the conversation and the endpoint that holds it.
    const endpoint = { name: call.endpoint.name, read: () => [], ...noEstimate }
    const body = { model: call.requestedModel, ...fields }
    this.#memory.created(id, call.again({ ...call.call, body }, endpoint))
    call.startsJob(this.#memory.nameOf(id))
  }

  creatorOf(id: string): ObservedCall | undefined {
    return this.#memory.creatorOf(id)
  }

  fieldsOf(id: string): Call['body'] | undefined {
    return this.#memory.creatorOf(id)?.call.body
  }

  isBilled(id: string): boolean {
    return this.#memory.isBilled(id)
  }

  settle(id: string): boolean {
    if (isLooking) return !this.#memory.isBilled(id)
    const isNews = this.#memory.settle(id)
    if (isNews) this.#current()?.endsJob(this.#memory.nameOf(id))
    return isNews
  }
}

function dropOldest(ids: Map<string, unknown> | Set<string>): void {
  const [oldest] = ids.keys()
  if (ids.size > remembered && oldest !== undefined) ids.delete(oldest)
}
