/**
 * What a configuration of the gateway is: its type, its checks and the published JSON schema
 * (`token-meter.gateway.schema.json`, written by `write-schema.ts`) are made of this.
 */
import * as z from 'zod'
import { costSchema, creditsSchema } from './money-schema.ts'

const text = () => z.string().min(1)
const count = () => z.int().min(1)
const ms = () =>
  z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
const upstream = z.strictObject({
  baseUrl: z
    .url({ protocol: /^https?$/, error: 'must be an address such as "https://api.openai.com"' })
    .describe('What the paths of requests are put behind, such as https://api.openai.com.'),
  apiKey: text()
    .optional()
    .describe('The gateway’s own key there, as "env.NAME". Needed, but with "auth": "caller".'),
  dialect: z
    .enum(['openai', 'anthropic', 'gemini'])
    .optional()
    .describe('The API that it speaks. Default: that of its name or its host, else openai.'),
  auth: z
    .enum(['bearer', 'x-api-key', 'api-key', 'x-goog-api-key', 'caller'])
    .optional()
    .describe(
      'The header that the key goes in; or "caller": the caller’s own credential passes, and the gateway’s key comes in x-token-meter-key. Default: as the API has it.',
    ),
  headers: z
    .record(text(), z.string())
    .optional()
    .describe('Headers of each request, in place of the caller’s of the same name.'),
  provider: text()
    .optional()
    .describe('Who serves it, as records name it. Default: who its host says.'),
})

function isPattern(source: string): boolean {
  try {
    return Boolean(new RegExp(source))
  } catch {
    return false
  }
}

export const configSchema = z.strictObject({
  $schema: z.string().optional(),
  host: text()
    .optional()
    .describe(
      'The address to listen on. Beyond loopback an adminKey is needed. Default: 127.0.0.1.',
    ),
  port: z.int().min(0).max(65_535).optional().describe('Default: 4100.'),
  basePath: z
    .string()
    .optional()
    .describe('What stands before each path, such as /llm. Default: nothing.'),
  upstreams: z
    .record(text(), upstream)
    .optional()
    .describe(
      'By the name that paths begin with: /{name}/... Default: openai, anthropic, gemini and groq, each where its API key is in the environment.',
    ),
  adminKey: text()
    .min(16, 'must have at least 16 characters')
    .optional()
    .describe(
      'For /key/* and /metrics, as "env.NAME". Without one any key is taken, on loopback only. Default: $TOKEN_METER_ADMIN_KEY.',
    ),
  keys: z
    .strictObject({
      rates: z
        .enum(['process', 'shared'])
        .optional()
        .describe(
          'Where rates and parallel requests are counted: in each process, or together in Postgres. Default: process.',
        ),
    })
    .optional()
    .describe('How the keys of callers are held to their limits.'),
  chargeBy: z
    .enum(['key', 'end_user_id', 'user_id', 'team_id'])
    .optional()
    .describe(
      'Who is charged: key: whom the key is bound to or names; end_user_id: whom the request names; user_id, team_id: of the key. Default: key.',
    ),
  customerHeader: z
    .boolean()
    .optional()
    .describe(
      'Whether stripe-customer-id names who pays, where the key may name customers. Default: true.',
    ),
  metadataUserId: z
    .string()
    .refine(isPattern, 'must be a regular expression')
    .optional()
    .describe(
      'A regular expression: which metadata.user_id of a body names who pays, by its first group or all of it. Default: none does.',
    ),
  attributes: z
    .array(text())
    .optional()
    .describe(
      'What of a key becomes dimensions of its usage: names of its metadata, key_id, user_id, team_id. Default: none.',
    ),
  sharedObjects: z
    .array(text())
    .optional()
    .describe(
      'Ids at a provider that every caller may use, such as that of a vector store for all customers. Default: none.',
    ),
  outbox: text()
    .optional()
    .describe(
      'Where usage and keys are kept: a path, or "env.DATABASE_URL" of a Postgres database. Default: $TOKEN_METER_OUTBOX, else .token-meter/usage.db.',
    ),
  cost: z
    .union([z.literal(false), costSchema])
    .optional()
    .describe(
      'What usage costs. false: records have no cost. Default: list prices without a markup.',
    ),
  credits: creditsSchema
    .optional()
    .describe('Prepaid credit: calls that their customer cannot pay are refused with 402.'),
  onMissingCustomer: z
    .enum(['record', 'throw'])
    .optional()
    .describe(
      'Calls that nobody is named for: kept unattributed, or refused with 403. Default: record.',
    ),
  maxBodyBytes: count()
    .optional()
    .describe('The longest body that is metered, in bytes. Default: 64 MiB.'),
  maxBytesInFlight: count()
    .optional()
    .describe('Bodies that are held at once, in bytes. Default: 512 MiB.'),
  onClientGone: z
    .enum(['auto', 'drain', 'abort'])
    .optional()
    .describe(
      'A stream whose caller hangs up: aborted where that stops the bill and else read to its end, or always one of both. Default: auto.',
    ),
  cors: z
    .strictObject({ origins: z.array(text()) })
    .optional()
    .describe('Pages that may call. Default: none.'),
  timeouts: z
    .strictObject({
      connectMs: count().optional().describe('Default: 10000.'),
      firstByteMs: count().optional().describe('Default: 1200000 (20 minutes).'),
      idleMs: count().optional().describe('Default: 1200000 (20 minutes).'),
      requestIdleMs: count().optional().describe('Default: 60000.'),
    })
    .optional()
    .describe('How long the gateway waits, in ms.'),
  accessLog: z
    .union([z.boolean(), text()])
    .optional()
    .describe(
      'A line of JSON for each request: on stdout (true), in a file, or nowhere (false). Default: true.',
    ),
  shutdown: z
    .strictObject({
      drainMs: ms().optional().describe('For requests under way. Default: 25000.'),
      readinessDelayMs: ms()
        .optional()
        .describe(
          'Before it stops to take new ones, for load balancers to see it. Default: 2000, 0 on loopback.',
        ),
    })
    .optional()
    .describe('How it ends on SIGTERM and SIGINT, in ms.'),
})

/** A configuration, as it is written. */
export type GatewayConfig = z.infer<typeof configSchema>

/** As JSON schema. */
export function jsonSchema(): object {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    target: 'draft-7',
    // What a text has to be, its variable has to be: "env.NAME" itself is no address.
    override({ jsonSchema: part }) {
      if (part.type !== 'string') return
      delete part.format
      delete part.pattern
      if ((part.minLength ?? 0) > 1) part.minLength = 1
    },
  })
  return {
    ...schema,
    title: 'token-meter.gateway.json',
    description:
      'The configuration of npx token-meter gateway. Any text may be "env.NAME": the variable of that name.',
  }
}
