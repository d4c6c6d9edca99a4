/** Finds the command that was asked for, and runs it. */
import { type ArgsDef, type CommandDef, parseArgs, renderUsage } from 'citty'
import type { AnyCommand, Command, CommandGroup, ExitCode } from './command/command.ts'
import { CommandError, shownError } from './command/command-error.ts'
import { print, printJson, say } from './command/output.ts'
import { version } from './version.ts'

const tokenMeter: CommandGroup = {
  meta: { name: 'token-meter', description: 'Turns LLM calls into bills: the operator’s command.' },
  subCommands: {
    gateway: async () => (await import('./gateway/command.ts')).gatewayCommand,
    keys: async () => (await import('./keys/command.ts')).keysCommand,
  },
}

/** @returns the exit code. */
export async function main(given: readonly string[]): Promise<ExitCode> {
  try {
    return await run(given)
  } catch (error) {
    const shown = shownError(error)
    if (given.includes('--json')) printJson({ error: shown })
    else say([`token-meter: ${shown.message}`, ...(shown.hint ? [shown.hint] : [])].join('\n'))
    return 1
  }
}

async function run(given: readonly string[]): Promise<ExitCode> {
  if (given.length === 1 && ['--version', '-v'].includes(given[0]!)) {
    print(version())
    return 0
  }
  const { found, parent, rest } = await find(given)
  const end = rest.indexOf('--')
  const flags = end === -1 ? rest : rest.slice(0, end)
  if (flags.includes('--help') || flags.includes('-h')) {
    print(await usage(found, parent))
    return 0
  }
  if ('subCommands' in found) {
    const [first] = rest
    if (first?.startsWith('-')) throw unknownOption(first, pathOf(found, parent))
    say(await usage(found, parent))
    return 1
  }
  return (await found.run(argumentsOf(found, rest, pathOf(found, parent)))) ?? 0
}

interface Found {
  readonly found: AnyCommand
  readonly parent: CommandGroup | undefined
  /** What follows its name. */
  readonly rest: readonly string[]
}

async function find(given: readonly string[]): Promise<Found> {
  let found: AnyCommand = tokenMeter
  let parent: CommandGroup | undefined
  let rest = given
  while ('subCommands' in found && rest[0] !== undefined && !rest[0].startsWith('-')) {
    const { subCommands }: CommandGroup = found
    const [name, ...more] = rest as [string, ...string[]]
    const load: CommandGroup['subCommands'][string] | undefined = Object.hasOwn(subCommands, name)
      ? subCommands[name]
      : undefined
    if (load === undefined) {
      const group = pathOf(found, parent)
      throw new CommandError('unknown_command', `there is no command "${group} ${name}"`, {
        hint: `There are ${Object.keys(subCommands).join(', ')}: see ${group} --help`,
      })
    }
    parent = found
    found = await load()
    rest = more
  }
  return { found, parent, rest }
}

/** @throws CommandError for what the command does not take. */
function argumentsOf({ args, takesMore = false }: Command, rest: readonly string[], path: string) {
  const hint = `See ${path} --help`
  let parsed: ReturnType<typeof parseArgs<ArgsDef>>
  try {
    parsed = parseArgs([...rest], args)
  } catch (cause) {
    // It says which argument is missing, or which of a list a value is none of.
    throw new CommandError('usage', (cause as Error).message, { hint, cause })
  }
  const definitions = Object.entries(args)
  const known = new Set(definitions.flatMap(([name]) => [name, camel(name)]))
  for (const name of Object.keys(parsed)) {
    if (name !== '_' && !known.has(name)) throw unknownOption(`--${name}`, path)
  }
  for (const [name, { type }] of definitions) {
    if (type === 'string' && parsed[name] === '') {
      throw new CommandError('usage', `--${name} needs a value`, { hint })
    }
  }
  const positional = definitions.filter(([, { type }]) => type === 'positional').length
  const surplus = parsed._.slice(positional)
  if (surplus.length > 0 && !takesMore) {
    throw new CommandError('usage', `${path} does not take "${surplus[0]}"`, { hint })
  }
  return parsed
}

/** A value may be a secret: what stands behind `=` is not repeated. */
function unknownOption(flag: string, path: string): CommandError {
  const [name] = flag.split('=')
  return new CommandError('usage', `${path} has no option ${name}`, { hint: `See ${path} --help` })
}

function camel(name: string): string {
  return name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
}

function pathOf({ meta }: AnyCommand, parent: CommandGroup | undefined): string {
  if (parent === undefined) return meta.name
  return parent === tokenMeter
    ? `token-meter ${meta.name}`
    : `token-meter ${parent.meta.name} ${meta.name}`
}

function usage(found: AnyCommand, parent: CommandGroup | undefined): Promise<string> {
  const path = pathOf(found, parent)
  return renderUsage({ ...found, meta: { ...found.meta, name: path } } as unknown as CommandDef)
}
