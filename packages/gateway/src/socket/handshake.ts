/** How a caller asks for a socket. */
import type { IncomingMessage } from 'node:http'
import { keyProtocolPrefix } from '../keys/presented-key.ts'
import { GatewayRefusal } from '../refusal.ts'
import type { Upstream } from '../upstream.ts'

/** Checked before anything is asked of an upstream. @throws GatewayRefusal 400, 426 for another version. */
export function checkHandshake({ method, headers }: IncomingMessage): void {
  if (method !== 'GET') throw invalid('a socket is asked for by GET')
  if (headers.upgrade?.toLowerCase() !== 'websocket') {
    throw invalid('the only protocol to change to is "websocket"')
  }
  if (!/^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '')) {
    throw invalid('the header sec-websocket-key is missing, or is none')
  }
  const version = headers['sec-websocket-version']
  if (version !== '13' && version !== '8') {
    throw new GatewayRefusal(
      426,
      'invalid_request',
      'sockets of this gateway have the version 13: no other was passed on',
    )
  }
}

const token = /^[!#$%&'*+\-.0-9A-Z^_`|a-z~]+$/

/**
 * The protocols that a caller offers, without those that say who it is: keys, and whose account pays at the provider.
 * @throws GatewayRefusal 400 for a list that is none.
 */
export function offeredProtocols(
  headers: readonly string[],
  { auth }: Upstream,
): readonly string[] {
  const offered: string[] = []
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() !== 'sec-websocket-protocol') continue
    offered.push(...(headers[index + 1] ?? '').split(',').map((each) => each.trim()))
  }
  if (!offered.every((each) => token.test(each)) || new Set(offered).size < offered.length) {
    throw invalid('the header sec-websocket-protocol is no list of protocols')
  }
  return offered.filter((each) => !(auth === 'caller' ? isOwnKey(each) : isCredential(each)))
}

function isOwnKey(protocol: string): boolean {
  return protocol.startsWith(`${keyProtocolPrefix}tm-`)
}

/** https://platform.openai.com/docs/guides/realtime-websocket */
function isCredential(protocol: string): boolean {
  return [keyProtocolPrefix, 'openai-organization.', 'openai-project.'].some((prefix) =>
    protocol.startsWith(prefix),
  )
}

/** Those of the handshake, which each connection has for itself. */
export function isOfHandshake(name: string): boolean {
  return name.startsWith('sec-websocket-')
}

function invalid(what: string): GatewayRefusal {
  return new GatewayRefusal(400, 'invalid_request', `${what}: nothing was passed on`)
}
