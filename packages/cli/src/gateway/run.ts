/** `token-meter gateway`: from its start until it is told to end. */
import { ConfigError } from '@token-meter/core'
import type { ExitCode } from '../command/command.ts'
import { CommandError } from '../command/command-error.ts'
import { say } from '../command/output.ts'
import { outboxName } from '../outbox/open-outbox.ts'
import type { GatewayConfig } from './config-schema.ts'
import { withDefaults } from './environment-config.ts'
import { makeGateway, type MadeGateway } from './make-gateway.ts'
import { defaultConfigPath, readConfig } from './read-config.ts'

export interface GatewayArguments {
  readonly config?: string | undefined
  readonly port?: string | undefined
  readonly host?: string | undefined
  readonly outbox?: string | undefined
}

/** What is left of 30 s, after which most platforms kill, when requests had 25 s to end. */
const closeMs = 4000

/** @returns once it has ended: 0, or 1 where usage was lost with the process. */
export async function runGateway(args: GatewayArguments): Promise<ExitCode> {
  const ended = signalled()
  const config = withDefaults(readConfig(args.config, process.env), process.env)
  const port = portOf(args.port) ?? config.port
  const host = args.host ?? config.host
  const made = await explained(args.config, () =>
    makeGateway(config, outboxName(args.outbox, config.outbox), (line) =>
      say(`token-meter: ${line}`),
    ),
  )
  let code: ExitCode = 0
  try {
    const listening = await explained(args.config, () =>
      made.gateway.listen({ ...config.shutdown, port, host }),
    )
    introduce(listening.url, config, made)
    say(`token-meter: ${await ended}, ending: requests under way are finished`)
    await listening.close()
  } finally {
    try {
      await made.close({ timeoutMs: closeMs })
    } catch (error) {
      say(`token-meter: ${(error as Error).message}`)
      code = 1
    }
  }
  say('token-meter: ended')
  // Whatever is still open by then is nobody's.
  setTimeout(() => process.exit(code), 1000).unref()
  return code
}

function introduce(url: string, config: GatewayConfig, { outbox, sinks }: MadeGateway): void {
  const { upstreams = {}, adminKey, basePath = '' } = config
  const names = sinks.map(({ name, livemode = true }) => (livemode ? name : `${name} (test)`))
  say(
    [
      `token-meter gateway on ${url}${basePath}`,
      `  upstreams  ${Object.keys(upstreams).join(', ')}`,
      `  outbox     ${outbox.description}`,
      `  sinks      ${names.join(', ') || 'none: usage is kept, set STRIPE_RESTRICTED_KEY (or the key of another backend) to bill it'}`,
      adminKey === undefined
        ? '  keys       any key or none is taken: set TOKEN_METER_ADMIN_KEY to give out keys'
        : '  keys       of /key/generate, or token-meter keys generate',
    ].join('\n'),
  )
}

/** What is wrong with the configuration, as what stands in its file. */
async function explained<Value>(
  file: string | undefined,
  make: () => Value | Promise<Value>,
): Promise<Value> {
  try {
    return await make()
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'EADDRINUSE' || code === 'EACCES' || code === 'EADDRNOTAVAIL') {
      throw new CommandError('listen', (cause as Error).message, {
        cause,
        hint: 'Choose another one with --port and --host',
      })
    }
    if (!(cause instanceof ConfigError)) throw cause
    const message = cause.message.replace(/^(createGateway|createMeter|createCredits|listen): /, '')
    throw new CommandError('config', `${file ?? defaultConfigPath}: ${message}`, { cause })
  }
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new CommandError('usage', '--port takes a number from 0 to 65535')
}

/** Resolves to the first signal that asks for an end; a second one is obeyed at once. */
function signalled(): Promise<string> {
  return new Promise((resolve) => {
    let isAsked = false
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (isAsked) process.exit(1)
        isAsked = true
        resolve(signal)
      })
    }
  })
}
