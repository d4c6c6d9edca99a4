import {
  type Endpoint,
  jsonObject,
  parsedJson,
  lateBody,
  type StreamReader,
  text,
  type Unmetered,
  type UsageReading,
  type WireOperation,
  type WireProtocol,
  type WireRequest,
} from '@token-meter/core/wire'
import { bidirectional } from './bidirectional.ts'
import { converse } from './converse.ts'
import { guardrail } from './guardrails.ts'
import { invokeModel } from './invoke-model.ts'

/** By what a path asks of a model. */
const ofModel: Readonly<Record<string, Endpoint>> = {
  converse,
  'converse-stream': converse,
  invoke: invokeModel,
  'invoke-with-response-stream': invokeModel,
  'invoke-with-bidirectional-stream': bidirectional,
}

/**
 * The HTTP API of Amazon Bedrock's runtime, of whatever region, and behind whatever host:
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html
 */
export const bedrockWire: WireProtocol = bedrockProtocol({})

/** @param models what is behind ids that name no model. */
export function bedrockProtocol(models: Readonly<Record<string, string>>): WireProtocol {
  return {
    name: 'bedrock',
    open(request) {
      if (request.method.toUpperCase() !== 'POST') return undefined
      const path = pathOf(request.url)
      const start = path.lastIndexOf(beforeModel)
      if (start === -1) return openOther(path, request)
      // The slash of an ARN is written as it is by some.
      const end = path.lastIndexOf('/')
      const asked = path.slice(end + 1)
      const endpoint = Object.hasOwn(ofModel, asked) ? ofModel[asked] : undefined
      const part = path.slice(start + beforeModel.length, end)
      if (endpoint === undefined || part === '') return undefined
      const modelId = decoded(part)
      const model = Object.hasOwn(models, modelId) ? models[modelId] : undefined
      const body = bodyOf(request, modelId)
      return { endpoint: model === undefined ? endpoint : endpointOf(endpoint, model), body }
    },
    isFree: ({ method, url }) =>
      method.toUpperCase() !== 'POST' || /\/count-tokens(?:[?#]|$)/.test(url),
  }
}

const beforeModel = '/model/'

function pathOf(url: string): string {
  const end = url.search(/[?#]/)
  return end === -1 ? url : url.slice(0, end)
}

/** What is asked of no model. */
function openOther(
  path: string,
  request: WireRequest,
): WireOperation<never> | Unmetered | undefined {
  const [, id, version] = /\/guardrail\/([^/]+)\/version\/([^/]+)\/apply$/.exec(path) ?? []
  if (id !== undefined) {
    const model = `guardrail/${decoded(id).replace(/^.*:guardrail\//, '')}:${version}`
    return { endpoint: guardrail, body: lateBody(request.body, { model }) }
  }
  if (path.endsWith('/guardrail-checks/invoke')) {
    return { endpoint: guardrail, body: lateBody(request.body, { model: 'guardrail-checks' }) }
  }
  if (!path.endsWith('/async-invoke')) return undefined
  return {
    unmetered:
      "Bedrock's asynchronous invocations work, but are not metered (what they used stands in " +
      'none of their answers): record() their usage',
  }
}

/** An endpoint whose answers are those of a model that neither request nor answer names. */
function endpointOf(endpoint: Endpoint, model: string): Endpoint {
  const named = (readings: readonly UsageReading[]) => {
    // Of several the last is that of the model that answered; the others worked for it.
    const answering = readings.at(-1)?.model
    return readings.map((reading) =>
      reading.model === answering ? { ...reading, model } : reading,
    )
  }
  return {
    ...endpoint,
    read: (response, call, headers) => named(endpoint.read(response, call, headers)),
    openStream(call, output, answer) {
      const reader = endpoint.openStream?.(call, output, answer) as StreamReader
      const readings = reader.readings.bind(reader)
      return Object.assign(reader, { readings: () => named(readings()) })
    },
  }
}

/** The fields of a body, with what stands beside it: the model, and the caller's own metadata. */
function bodyOf({ body, headers }: WireRequest, model: string) {
  const known: Record<string, unknown> = { model }
  const metadata = headers?.get('x-amzn-bedrock-request-metadata')
  if (metadata) known['requestMetadata'] = jsonObject(parsedJson(metadata))
  return lateBody(body, known)
}

/** An ARN has colons and slashes, which SDKs write either way. */
function decoded(part: string): string {
  if (!part.includes('%')) return part
  try {
    return text(decodeURIComponent(part)) ?? part
  } catch {
    return part
  }
}
