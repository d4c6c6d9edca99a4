import {
  type Endpoint,
  jsonObject,
  noEstimate,
  ownValue,
  text,
  type UsageReading,
} from '@token-meter/core/wire'
import type { ObservedCall } from '@token-meter/core/adapter'
import { isLinkedRequest } from './linked-batches.ts'
import { readMessage } from './messages.ts'
import { addContent } from './output-content.ts'

const name = 'messages.batches.results'

/**
 * One line of a batch's results: only requests that succeeded are billed. The id of its record is
 * derived from the batch and the request, so that downloading the results again bills nothing.
 */
export function batchLine(batchId: string): Endpoint {
  return {
    name,
    isLinked: ({ provider, body }) =>
      isLinkedRequest(provider, batchId, ownValue(body, 'custom_id')),
    read(line, call): readonly UsageReading[] {
      const { custom_id: customId, result } = jsonObject(line)
      const { type, message } = jsonObject(result)
      if (type !== 'succeeded') return []
      // The message too: a server that speaks Anthropic's language may repeat its batch ids.
      const messageId = text(jsonObject(message).id) ?? ''
      const identity = [call.provider, 'batches', batchId, text(customId) ?? '', messageId]
      const requestId = text(customId)
      return readMessage(message, call).map((reading) => ({ ...reading, identity, requestId }))
    },
    estimateInput: noEstimate.estimateInput,
    estimateOutput(line, estimate) {
      addContent(jsonObject(jsonObject(jsonObject(line).result).message).content, estimate)
    },
  }
}

/** A download of results: free itself, and every line that the caller reads is a call of its own. */
export function batchResults(seeLine: (line: unknown) => void): Endpoint {
  return {
    name,
    read: () => [],
    openStream: () => ({
      hides: false,
      finished: false,
      usageSeen: false,
      see(line) {
        seeLine(line)
        return false
      },
      readings: () => [],
    }),
    ...noEstimate,
  }
}

/** What reads a download as a whole: it waits until the usage of all its lines is stored. */
export function keepWaiting(download: ObservedCall, line: ObservedCall): void {
  if (line.stored === undefined) return
  const earlier = download.stored
  download.stored = Promise.all([earlier, line.stored]).then(() => undefined)
}
