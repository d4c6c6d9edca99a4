/** What a command is: what it takes, which `--help` shows, and what runs it, which is loaded when it is run. */
import { type ArgsDef, defineCommand, type ParsedArgs } from 'citty'

/** 0: done. 1: it could not be done. 2: it was done, and found something that somebody has to look at. */
export type ExitCode = 0 | 1 | 2

export interface Command<Args extends ArgsDef = ArgsDef> {
  readonly meta: { readonly name: string; readonly description: string }
  readonly args: Args
  /** Its positional argument can be given more than once: all are in `_`. @default false */
  readonly takesMore?: boolean
  run(args: ParsedArgs<Args>): Promise<ExitCode | undefined>
}

/** One with others below it: `token-meter keys list`. */
export interface CommandGroup {
  readonly meta: { readonly name: string; readonly description: string }
  readonly subCommands: Readonly<Record<string, () => Promise<AnyCommand>>>
}

export type AnyCommand = Command | CommandGroup

/** Infers the types of a command's arguments. */
export function command<const Args extends ArgsDef>(definition: Command<Args>): Command {
  return defineCommand(definition as object) as unknown as Command
}
