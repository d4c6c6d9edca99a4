/** `"env.NAME"` in place of a text: secrets stand in the environment, never in a file. */
import { CommandError } from '../command/command-error.ts'

const reference = /^env\.([A-Za-z_][A-Za-z0-9_]*)$/

/**
 * The same value with what its references name.
 * @param owner what the value is of, for messages.
 * @throws CommandError that says which variables are not set, and where they are named.
 */
export function withEnvironment(
  value: unknown,
  owner: string,
  environment: Readonly<Record<string, string | undefined>>,
): unknown {
  const missing: string[] = []
  const resolved = resolve(value, [], (name, path) => {
    const found = environment[name]?.trim()
    if (found !== undefined && found !== '') return found
    missing.push(`${path} is "env.${name}", and ${name} is not set`)
    return ''
  })
  if (missing.length > 0) {
    throw new CommandError('config', `${owner}: ${missing.join('; ')}`, {
      hint: 'Set the variable where the gateway is started, or take what names it out of the file',
    })
  }
  return resolved
}

function resolve(
  value: unknown,
  path: readonly string[],
  look: (name: string, path: string) => string,
): unknown {
  if (typeof value === 'string') {
    const name = reference.exec(value)?.[1]
    return name === undefined ? value : look(name, path.join('.'))
  }
  if (Array.isArray(value)) return value.map((each, at) => resolve(each, [...path, `${at}`], look))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, resolve(each, [...path, name], look)]),
  )
}
