/** The way to an upstream's host through the proxy that the environment names, as the requests of HTTP take it. */
import { request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import type { Socket } from 'node:net'

/** The proxy for a host; `undefined` where it is reached straight. @param url with `ws:` or `wss:`. */
export function proxyFor(
  url: URL,
  env: Readonly<Record<string, string | undefined>> = process.env,
): URL | undefined {
  const named = (name: string) => env[name] ?? env[name.toUpperCase()]
  const plain = named('http_proxy')
  const proxy = url.protocol === 'wss:' ? (named('https_proxy') ?? plain) : plain
  if (proxy === undefined || proxy === '' || isExempt(url, named('no_proxy') ?? ''))
    return undefined
  return new URL(proxy.includes('://') ? proxy : `http://${proxy}`)
}

/** `*`, or hosts with those below them, each for all ports or for one. */
function isExempt(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase()
  const port = portOf(url)
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === '*') return true
      const [, name = entry, onPort] = /^(.+):(\d+)$/.exec(entry) ?? []
      const bare = name.replace(/^\*?\./, '')
      if (bare === '' || (onPort !== undefined && onPort !== port)) return false
      return host === bare || host.endsWith(`.${bare}`)
    })
}

export function portOf({ port, protocol }: URL): string {
  if (port !== '') return port
  return protocol === 'wss:' || protocol === 'https:' ? '443' : '80'
}

/** @throws where the proxy is away, or refuses: its words are not shown, they may have its password. */
export function openTunnel(proxy: URL, target: URL, signal: AbortSignal): Promise<Socket> {
  const authority = `${target.hostname}:${portOf(target)}`
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  const authorization =
    proxy.username === ''
      ? {}
      : { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` }
  const send = proxy.protocol === 'https:' ? tlsRequest : plainRequest
  return new Promise((resolve, reject) => {
    const request = send({
      method: 'CONNECT',
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: portOf(proxy),
      path: authority,
      headers: { host: authority, ...authorization },
      agent: false,
      signal,
    })
    request.once('connect', ({ statusCode }, socket: Socket) => {
      if (statusCode === 200) return resolve(socket)
      socket.destroy()
      reject(new Error(`the proxy answered ${statusCode} to CONNECT`))
    })
    request.once('response', ({ statusCode }) => {
      request.destroy()
      reject(new Error(`the proxy answered ${statusCode} to CONNECT`))
    })
    request.once('error', reject)
    request.end()
  })
}
