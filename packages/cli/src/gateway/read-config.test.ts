import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import type { GatewayOptions, TimeoutOptions, UpstreamOptions } from '@token-meter/gateway'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { CommandError } from '../command/command-error.ts'
import type { GatewayConfig } from './config-schema.ts'
import { withDefaults } from './environment-config.ts'
import { checkedConfig, outboxOfConfig, readConfig } from './read-config.ts'
import { schemaText } from './write-schema.ts'

const secret = 'sk-secret-0123456789'
const environment = {
  OPENAI_API_KEY: secret,
  ANTHROPIC_API_KEY: secret,
  GEMINI_API_KEY: secret,
  GROQ_API_KEY: secret,
  TOKEN_METER_ADMIN_KEY: 'admin-secret-0123456789',
}

const example = {
  $schema: './node_modules/token-meter/token-meter.gateway.schema.json',
  upstreams: {
    openai: { baseUrl: 'https://api.openai.com', apiKey: 'env.OPENAI_API_KEY' },
    anthropic: { baseUrl: 'https://api.anthropic.com', apiKey: 'env.ANTHROPIC_API_KEY' },
    gemini: {
      baseUrl: 'https://generativelanguage.googleapis.com',
      apiKey: 'env.GEMINI_API_KEY',
    },
    groq: {
      baseUrl: 'https://api.groq.com/openai',
      apiKey: 'env.GROQ_API_KEY',
      dialect: 'openai',
    },
  },
  chargeBy: 'key',
  customerHeader: true,
  adminKey: 'env.TOKEN_METER_ADMIN_KEY',
  outbox: '.token-meter/usage.db',
}

function fileOf(content: unknown): string {
  const path = join(mkdtempSync(join(tmpdir(), 'config-')), 'gateway.json')
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

function failure(content: unknown, given: Record<string, string> = environment): CommandError {
  try {
    readConfig(fileOf(content), given)
  } catch (error) {
    expect(error).toBeInstanceOf(CommandError)
    return error as CommandError
  }
  throw new Error('it was taken')
}

test('a configuration is read, and its variables stand in it', () => {
  const config = readConfig(fileOf(example), environment)
  expect(config.upstreams?.['openai']?.apiKey).toBe(secret)
  expect(config.adminKey).toBe('admin-secret-0123456789')
  expect(config.upstreams?.['groq']?.dialect).toBe('openai')
})

test('variables that are not set are named, each with its place', () => {
  const { message, hint } = failure(example, { OPENAI_API_KEY: secret, GEMINI_API_KEY: ' ' })
  for (const name of ['ANTHROPIC_API_KEY', 'GEMINI_API_KEY', 'TOKEN_METER_ADMIN_KEY']) {
    expect(message).toContain(`${name} is not set`)
  }
  expect(message).toContain('upstreams.anthropic.apiKey is "env.ANTHROPIC_API_KEY"')
  expect(message).not.toContain('OPENAI_API_KEY')
  expect(hint).toContain('Set the variable')
})

describe('a wrong field is named by its path, and no value is shown', () => {
  test.each<[string, object, string]>([
    [
      'of another type',
      { upstreams: { openai: { baseUrl: 'https://a.example', apiKey: 5 } } },
      'upstreams.openai.apiKey must be a text',
    ],
    [
      'that there is not',
      { upstreams: { openai: { baseUrl: 'https://a.example', key: secret } } },
      'upstreams.openai has no field "key"',
    ],
    ['at the top', { adminkey: secret }, 'the file has no field "adminkey"'],
    [
      'none of a list',
      { chargeBy: secret },
      'chargeBy must be one of "key", "end_user_id", "user_id", "team_id"',
    ],
    [
      'no address',
      { upstreams: { openai: { baseUrl: secret } } },
      'upstreams.openai.baseUrl must be an address',
    ],
    [
      'another protocol',
      { upstreams: { openai: { baseUrl: 'ftp://a.example' } } },
      'upstreams.openai.baseUrl must be an address',
    ],
    ['missing', { upstreams: { openai: {} } }, 'upstreams.openai.baseUrl must be a text'],
    ['too short', { adminKey: 'short' }, 'adminKey must have at least 16 characters'],
    ['empty', { outbox: '' }, 'outbox must not be empty'],
    ['too large', { port: 70_000 }, 'port must be 65535 or less'],
    ['no whole number', { port: 1.5 }, 'port must be a whole number'],
    [
      'in a list',
      { credits: { pools: [{ id: 'a', usd: '5', period: 'year' }] } },
      'credits.pools.0.period must be one of "hour"',
    ],
    [
      'money as a number',
      { credits: { pools: [{ id: 'a', usd: 5, period: 'day' }] } },
      'credits.pools.0.usd must be a text',
    ],
    ['one of two kinds', { accessLog: 5 }, 'accessLog must be true or false, or a text'],
    ['inside of one of two kinds', { cost: { price: 'genai' } }, 'cost has no field "price"'],
  ])('%s', (_, content, said) => {
    const { message, code } = failure(content)
    expect(message).toContain(said)
    expect(message).not.toContain(secret)
    expect(code).toBe('config')
  })

  test('several at once, each on a line', () => {
    const { message } = failure({ port: 'x', host: 5, upstreams: [] })
    expect(
      message
        .split('\n')
        .slice(1)
        .map((line) => line.trim()),
    ).toEqual(['host must be a text', 'port must be a number', 'upstreams must be an object'])
  })
})

test('a file that is no JSON is told by where, and quotes nothing of it', () => {
  const { message } = failure(`{\n  "adminKey": "${secret}"\n  "port": 1\n}`)
  expect(message).toMatch(/is no JSON/)
  expect(message).not.toContain('secret')
})

test('a file that was named and is not there is an error; the usual one need not be there', () => {
  expect(() => readConfig('/no/such/file.json', {})).toThrow('/no/such/file.json is not there')
  expect(readConfig(undefined, {})).toEqual({})
})

test('only the outbox is asked of what a command of keys reads: no API key has to be there', () => {
  expect(outboxOfConfig(fileOf(example), {})).toBe('.token-meter/usage.db')
  expect(
    outboxOfConfig(fileOf({ outbox: 'env.DATABASE_URL' }), { DATABASE_URL: 'postgres://a' }),
  ).toBe('postgres://a')
  expect(() => outboxOfConfig(fileOf({ outbox: 'env.DATABASE_URL' }), {})).toThrow(
    'DATABASE_URL is not set',
  )
})

describe('without a configuration', () => {
  test('the keys of the environment say which upstreams there are', () => {
    const config = withDefaults(
      {},
      { OPENAI_API_KEY: 'a', GOOGLE_API_KEY: 'b', TOKEN_METER_ADMIN_KEY: 'c' },
    )
    expect(config).toEqual({
      adminKey: 'c',
      upstreams: {
        openai: { baseUrl: 'https://api.openai.com', apiKey: 'a' },
        gemini: { baseUrl: 'https://generativelanguage.googleapis.com', apiKey: 'b' },
      },
    })
  })

  test('one without any says what to set', () => {
    expect(() => withDefaults({}, {})).toThrow('there is no upstream')
  })

  test('upstreams of the file are all that there are', () => {
    const upstreams = { own: { baseUrl: 'http://127.0.0.1:1', apiKey: 'x' } }
    expect(withDefaults({ upstreams }, environment).upstreams).toEqual(upstreams)
  })
})

describe('the published schema', () => {
  const published = readFileSync(
    new URL('../../token-meter.gateway.schema.json', import.meta.url),
    'utf8',
  )
  const validate = new Ajv({ strict: false }).compile(JSON.parse(published))

  test('is that of the checks', () => {
    expect(JSON.parse(published), 'run `node packages/cli/src/gateway/write-schema.ts`').toEqual(
      JSON.parse(schemaText()),
    )
  })

  test('takes what is taken, references too, and refuses what is refused', () => {
    expect(validate(example)).toBe(true)
    expect(
      validate({ ...example, adminKey: 'env.KEY', upstreams: { a: { baseUrl: 'env.URL' } } }),
    ).toBe(true)
    for (const wrong of [
      { port: 'x' },
      { adminkey: 'x' },
      { chargeBy: 'nobody' },
      { credits: { pools: [{}] } },
    ]) {
      expect(validate(wrong), JSON.stringify(wrong)).toBe(false)
      expect(() => checkedConfig(wrong, 'file')).toThrow(CommandError)
    }
  })

  test('says what each field is', () => {
    const { properties } = JSON.parse(published) as {
      properties: Record<string, { description?: string }>
    }
    const bare = Object.keys(properties).filter(
      (name) => properties[name]?.description === undefined,
    )
    expect(bare).toEqual(['$schema'])
  })
})

test('what createGateway takes that can stand in a file is taken', () => {
  type InCode = 'meter' | 'keys' | 'checks' | 'stripeHeaders' | 'accessLog' | 'onError'
  expectTypeOf<Exclude<keyof GatewayOptions, InCode>>().toExtend<keyof GatewayConfig>()
  type Upstream = NonNullable<GatewayConfig['upstreams']>[string]
  expectTypeOf<keyof UpstreamOptions>().toEqualTypeOf<keyof Upstream>()
  type Timeouts = NonNullable<GatewayConfig['timeouts']>
  expectTypeOf<keyof TimeoutOptions>().toEqualTypeOf<keyof Timeouts>()
})
