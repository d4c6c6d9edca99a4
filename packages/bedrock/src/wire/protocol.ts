import {
  type Endpoint,
  jsonObject,
  lateBody,
  text,
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
export const bedrockWire: WireProtocol = {
  name: 'bedrock',
  open(request) {
    if (request.method.toUpperCase() !== 'POST') return undefined
    const path = request.url.split(/[?#]/, 1)[0] ?? ''
    const [, modelId, asked = ''] = /\/model\/([^/]+)\/([a-z-]+)$/.exec(path) ?? []
    if (modelId !== undefined) {
      const endpoint = Object.hasOwn(ofModel, asked) ? ofModel[asked] : undefined
      return endpoint && { endpoint, body: bodyOf(request, decoded(modelId)) }
    }
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
  },
  isFree: ({ method, url }) =>
    method.toUpperCase() !== 'POST' || /\/count-tokens(?:[?#]|$)/.test(url),
}

/** The fields of a body, with what stands beside it: the model, and the caller's own metadata. */
function bodyOf({ body, headers }: WireRequest, model: string) {
  const known: Record<string, unknown> = { model }
  const metadata = headers?.get('x-amzn-bedrock-request-metadata')
  if (metadata) known['requestMetadata'] = parsed(metadata)
  return lateBody(body, known)
}

function parsed(json: string): unknown {
  try {
    return jsonObject(JSON.parse(json))
  } catch {
    return {}
  }
}

/** An ARN has colons and slashes, which SDKs write either way. */
function decoded(part: string): string {
  try {
    return text(decodeURIComponent(part)) ?? part
  } catch {
    return part
  }
}
