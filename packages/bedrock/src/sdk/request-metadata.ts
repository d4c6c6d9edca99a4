import { isPlain, parsedJson } from '@token-meter/core/wire'
import type { HandlerArguments } from './bedrock-client.ts'

/** What AWS takes: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html */
const allowed = /^[a-zA-Z0-9\s:_@$#=/+,.-]{1,256}$/
const mostItems = 16

/** True for what AWS takes as a name in the metadata, and as what is said by it. */
export function isMetadataText(value: unknown): boolean {
  return typeof value === 'string' && allowed.test(value)
}

/**
 * The arguments of a command with the customer in its `requestMetadata`; as they are where the caller
 * wrote that name already, or where AWS would refuse it. The caller's own input is left alone.
 */
export function withMetadata(
  args: HandlerArguments,
  command: string,
  key: string,
  customer: string,
): HandlerArguments {
  if (!isMetadataText(customer)) return args
  const { requestMetadata: given } = args.input
  const isConverse = command.startsWith('Converse')
  const isInvocation = /^InvokeModel(?:WithResponseStream)?Command$/.test(command)
  if (!isConverse && !isInvocation) return args
  const own = isConverse ? (given ?? {}) : parsed(given)
  if (!isPlain(own) || Object.hasOwn(own, key) || Object.keys(own).length >= mostItems) return args
  const metadata = { ...own, [key]: customer }
  const requestMetadata = isConverse ? metadata : JSON.stringify(metadata)
  return { ...args, input: { ...args.input, requestMetadata } }
}

/** InvokeModel takes it as the JSON of a header. */
function parsed(json: unknown): unknown {
  return json === undefined || json === null ? {} : parsedJson(String(json))
}
