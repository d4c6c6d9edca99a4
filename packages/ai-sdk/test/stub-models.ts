import { expect } from 'vitest'

export interface StreamPart {
  readonly type: string
  readonly [field: string]: unknown
}

export const usage = {
  inputTokens: { total: 11, noCache: 7, cacheRead: 4, cacheWrite: 0 },
  outputTokens: { total: 7, text: 5, reasoning: 2 },
}

/** A stream of a V4 model that says hello. */
export const parts: readonly StreamPart[] = [
  { type: 'stream-start', warnings: [] },
  { type: 'response-metadata', id: 'r_1', modelId: 'stub-2026-01-01' },
  { type: 'text-start', id: '0' },
  { type: 'text-delta', id: '0', delta: 'hel' },
  { type: 'text-delta', id: '0', delta: 'lo' },
  { type: 'text-end', id: '0' },
  { type: 'finish', usage, finishReason: { unified: 'stop', raw: 'stop' } },
]

/** What a source of parts was asked for. */
export interface SourceLog {
  pulls: number
  cancelled: unknown[]
}

/** A stream that makes a part for each pull and nothing ahead, and writes down what it is asked. */
export function partSource(
  given: readonly StreamPart[] = parts,
  { failure, delayMs }: { failure?: Error; delayMs?: (index: number) => number } = {},
): { stream: ReadableStream<StreamPart>; log: SourceLog } {
  const log: SourceLog = { pulls: 0, cancelled: [] }
  const stream = new ReadableStream<StreamPart>(
    {
      async pull(controller) {
        const index = log.pulls++
        const wait = delayMs?.(index) ?? 0
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
        if (log.cancelled.length > 0) return
        const part = given[index]
        if (part !== undefined) return controller.enqueue(part)
        if (failure !== undefined) throw failure
        controller.close()
      },
      cancel: (reason) => void log.cancelled.push(reason),
    },
    { highWaterMark: 0 },
  )
  return { stream, log }
}

/** A language model of a class with a private field, as nothing may read through a proxy. */
export class StubModel {
  readonly specificationVersion = 'v4'
  readonly modelId = 'stub'
  readonly supportedUrls = {}
  readonly #secret = 'openai.stub'
  readonly #answers: (() => object)[]

  constructor(...answers: (() => object)[]) {
    this.#answers = answers
  }

  get provider(): string {
    return this.#secret
  }

  describe(): string {
    return `${this.#secret} ${this.modelId}`
  }

  async doGenerate(options: object): Promise<object> {
    expect(options).toBeDefined()
    return this.#next()
  }

  async doStream(options: object): Promise<{ stream: ReadableStream<StreamPart> }> {
    expect(options).toBeDefined()
    return this.#next() as { stream: ReadableStream<StreamPart> }
  }

  #next(): object {
    const answer = this.#answers.length > 1 ? this.#answers.shift() : this.#answers[0]
    return answer?.() ?? {}
  }
}

export const generated = {
  content: [{ type: 'text', text: 'hello' }],
  finishReason: { unified: 'stop', raw: 'stop' },
  usage,
  response: { modelId: 'stub-2026-01-01' },
  warnings: [],
}
