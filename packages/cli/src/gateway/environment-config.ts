/** What the environment says where no configuration does. */
import { CommandError } from '../command/command-error.ts'
import type { GatewayConfig } from './config-schema.ts'

/** One that says where calls go. */
export type CompleteConfig = GatewayConfig & {
  readonly upstreams: NonNullable<GatewayConfig['upstreams']>
}

type Environment = Readonly<Record<string, string | undefined>>

/** The keys under which the SDKs of these providers look too; the first that is set counts. */
const known = {
  openai: { baseUrl: 'https://api.openai.com', variables: ['OPENAI_API_KEY'] },
  anthropic: { baseUrl: 'https://api.anthropic.com', variables: ['ANTHROPIC_API_KEY'] },
  gemini: {
    baseUrl: 'https://generativelanguage.googleapis.com',
    variables: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
  },
  groq: { baseUrl: 'https://api.groq.com/openai', variables: ['GROQ_API_KEY'] },
} as const

/** The configuration with what the environment adds to it. @throws CommandError where no upstream is known. */
export function withDefaults(config: GatewayConfig, environment: Environment): CompleteConfig {
  const adminKey = config.adminKey ?? valueOf(environment, 'TOKEN_METER_ADMIN_KEY')
  return {
    ...config,
    ...(adminKey !== undefined && { adminKey }),
    upstreams: config.upstreams ?? upstreamsOf(environment),
  }
}

function upstreamsOf(environment: Environment): NonNullable<GatewayConfig['upstreams']> {
  const found = Object.entries(known).flatMap(([name, { baseUrl, variables }]) => {
    const apiKey = variables.map((variable) => valueOf(environment, variable)).find(Boolean)
    return apiKey === undefined ? [] : [[name, { baseUrl, apiKey }] as const]
  })
  if (found.length > 0) return Object.fromEntries(found)
  const variables = Object.values(known).map((each) => each.variables[0])
  throw new CommandError('config', 'there is no upstream to pass calls on to', {
    hint: `Set ${variables.join(', ')}, or name upstreams in token-meter.gateway.json`,
  })
}

function valueOf(environment: Environment, name: string): string | undefined {
  const value = environment[name]?.trim()
  return value === '' ? undefined : value
}
