import {
  type Call,
  countReader,
  type Endpoint,
  jsonObject,
  noEstimate,
  RunningUsage,
  type StreamReader,
  unknownUsage,
  usageDetails,
  type UsageReading,
} from '@token-meter/core/wire'
import { sessionBounds } from './bounds.ts'
import { chunkOf } from './invoke-model.ts'
import { modelOf } from './model-name.ts'

/**
 * `POST /model/{modelId}/invoke-with-bidirectional-stream`: a conversation of speech (Nova Sonic). Its
 * usage is told again and again, as totals of the session.
 */
export const bidirectional: Endpoint = {
  name: 'invokeModelWithBidirectionalStream',
  bounds: sessionBounds,
  read: () => [],
  openStream: (call) => new SessionReader(call),
  ...noEstimate,
}

/** https://docs.aws.amazon.com/nova/latest/userguide/output-events.html */
class SessionReader implements StreamReader {
  readonly rewrites = false
  readonly finished = false
  readonly #modelId: unknown
  readonly #usage = new RunningUsage()
  #session: unknown

  constructor({ body }: Call) {
    this.#modelId = body.model
  }

  /** Each usage is of all until then, so that what comes first is of no other worth than the last. */
  get usageSeen(): boolean {
    return this.#usage.isStated
  }

  push(event: unknown): unknown {
    const { usageEvent } = jsonObject(jsonObject(chunkOf(event)).event)
    if (usageEvent !== undefined) {
      const { details, totalInputTokens, totalOutputTokens, totalTokens, sessionId } =
        jsonObject(usageEvent)
      const { total } = jsonObject(details)
      this.#usage.see({ totalInputTokens, totalOutputTokens, totalTokens, total })
      this.#session ??= sessionId
    }
    return event
  }

  readings(): readonly UsageReading[] {
    const usage = this.#usage.latest
    // Before the first usage nothing was heard or said.
    if (usage === undefined) return []
    return [sessionReading(usage, modelOf(this.#modelId), this.#session)]
  }
}

function sessionReading(
  usage: Readonly<Record<string, unknown>>,
  model: string | undefined,
  session: unknown,
): UsageReading {
  const problems: string[] = []
  const count = countReader(problems)
  const { input, output } = jsonObject(usage.total)
  const [heard, said] = [jsonObject(input), jsonObject(output)]
  const speech = (side: Readonly<Record<string, unknown>>) =>
    count(side.speechTokens, 'speechTokens')
  return {
    ...unknownUsage(model),
    tokens: {
      input: count(usage.totalInputTokens, 'totalInputTokens') ?? 0,
      cachedInput: 0,
      cachedWrite: 0,
      output: count(usage.totalOutputTokens, 'totalOutputTokens') ?? 0,
    },
    details: usageDetails({ audioInput: speech(heard), audioOutput: speech(said) }),
    responseId: typeof session === 'string' ? session : undefined,
    // Of as many turns as there were.
    requests: null,
    raw: usage,
    problems,
  }
}
