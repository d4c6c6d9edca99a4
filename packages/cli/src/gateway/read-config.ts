/** From the text of a file to a configuration. No value of it is ever shown: it may be a secret. */
import { existsSync, readFileSync } from 'node:fs'
import type * as z from 'zod'
import { CommandError } from '../command/command-error.ts'
import { configSchema, type GatewayConfig } from './config-schema.ts'
import { withEnvironment } from './environment-references.ts'

/** Where a configuration is looked for when none is named. */
export const defaultConfigPath = 'token-meter.gateway.json'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * @param path `undefined`: the usual one, where it is there.
 * @throws CommandError for a file that cannot be read, and for each field of it that is wrong, by its path.
 */
export function readConfig(path: string | undefined, environment: Environment): GatewayConfig {
  const file = path ?? (existsSync(defaultConfigPath) ? defaultConfigPath : undefined)
  if (file === undefined) return {}
  return checkedConfig(withEnvironment(parsed(file), file, environment), file)
}

/** Only where usage is kept: a command that needs no more must not fail for the lack of an API key. */
export function outboxOfConfig(
  path: string | undefined,
  environment: Environment,
): string | undefined {
  const file = path ?? (existsSync(defaultConfigPath) ? defaultConfigPath : undefined)
  if (file === undefined) return undefined
  const { outbox } = (parsed(file) ?? {}) as { readonly outbox?: unknown }
  if (outbox === undefined) return undefined
  return checkedConfig(withEnvironment({ outbox }, file, environment), file).outbox
}

function parsed(file: string): unknown {
  let content: string
  try {
    content = readFileSync(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'is not there' : `cannot be read (${code})`
    throw new CommandError('config', `${file} ${why}`, {
      cause,
      hint: 'Name another one with --config',
    })
  }
  try {
    return JSON.parse(content.replace(/^\uFEFF/, ''))
  } catch (cause) {
    throw new CommandError('config', `${file} is no JSON${placeOf(cause, content)}`)
  }
}

/** What JSON.parse says quotes the text around it, which may be a key: only where it is, is told. */
function placeOf(cause: unknown, content: string): string {
  const [, position] = /at position (\d+)/.exec((cause as Error).message) ?? []
  if (position === undefined) return ''
  const before = content.slice(0, Number(position)).split('\n')
  return `: line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`
}

/** @param owner what it is of, for messages. */
export function checkedConfig(value: unknown, owner: string): GatewayConfig {
  const result = configSchema.safeParse(value)
  if (result.success) return result.data
  const wrong = result.error.issues.flatMap((issue) => faults(issue))
  throw new CommandError('config', [`${owner}:`, ...new Set(wrong)].join('\n  '), {
    hint: 'docs/gateway.md has all that it takes; "$schema" has an editor check it',
  })
}

function faults(issue: z.core.$ZodIssue): readonly string[] {
  // Of a union: what is wrong with the one that comes closest.
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const [closest = []] = issue.errors.toSorted((a, b) => depthOf(b) - depthOf(a))
    if (depthOf(closest) > 0) {
      return closest.flatMap((each) => faults({ ...each, path: [...issue.path, ...each.path] }))
    }
    return [`${pathOf(issue)} ${oneOf(issue.errors.flat())}`]
  }
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => `"${key.slice(0, 60)}"`).join(', ')
    return [`${pathOf(issue)} has no field ${names}`]
  }
  return [`${pathOf(issue)} ${sentence(issue)}`]
}

const depthOf = (issues: readonly z.core.$ZodIssue[]) =>
  Math.max(...issues.map(({ path, code }) => path.length + (code === 'unrecognized_keys' ? 1 : 0)))

function oneOf(issues: readonly z.core.$ZodIssue[]): string {
  const wanted = issues.map((issue) => sentence(issue).replace(/^must be (one of )?/, ''))
  return `must be ${[...new Set(wanted)].join(', or ')}`
}

function sentence(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${kinds[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `must be one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`
    case 'too_small':
      return issue.origin === 'string' && issue.minimum === 1
        ? 'must not be empty'
        : issue.message.startsWith('must')
          ? issue.message
          : `must be ${issue.minimum} or more`
    case 'too_big':
      return `must be ${issue.maximum} or less`
    default:
      return issue.message.startsWith('must') ? issue.message : 'is not right'
  }
}

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
}

function pathOf({ path }: { readonly path: readonly PropertyKey[] }): string {
  return path.length === 0 ? 'the file' : path.map(String).join('.')
}
