/** What the commands of keys do. */
import type { GatewayKeys, KeyInfo, NewKey } from '@token-meter/gateway'
import type { ExitCode } from '../command/command.ts'
import { CommandError } from '../command/command-error.ts'
import { print, printJson, say } from '../command/output.ts'
import { durationOf, keyChanges, keyOptions, type OptionArguments } from './key-arguments.ts'
import { keyJson, keyTable } from './show-key.ts'
import { found, type StoreArguments, withKeys } from './with-keys.ts'

interface Shared extends StoreArguments {
  readonly json?: boolean | undefined
}
interface OfKey extends Shared {
  readonly key: string
}

export async function generate(args: Shared & OptionArguments): Promise<ExitCode> {
  showNew(await withKeys(args, (keys) => keys.generate(keyOptions(args))), args)
  return 0
}

export async function rotate(
  args: OfKey & { readonly grace?: string | undefined },
): Promise<ExitCode> {
  const graceMs = args.grace === undefined ? 0 : durationOf('--grace', args.grace)
  showNew(
    found(
      await withKeys(args, async (keys) => keys.rotate(await idOf(keys, args.key), { graceMs })),
    ),
    args,
  )
  return 0
}

export async function list(
  args: Shared & {
    readonly user?: string | undefined
    readonly team?: string | undefined
    readonly customer?: string | undefined
    readonly alias?: string | undefined
    readonly page?: string | undefined
  },
): Promise<ExitCode> {
  const { user: userId, team: teamId, customer, alias } = args
  const page = args.page === undefined ? undefined : Number(args.page)
  if (page !== undefined && !(Number.isSafeInteger(page) && page > 0)) {
    throw new CommandError('usage', '--page takes a whole number from 1 up')
  }
  const { keys, count } = await withKeys(args, (all) =>
    all.list({ userId, teamId, customer, alias, page }),
  )
  if (args.json) printJson({ keys: keys.map(keyJson), count })
  else if (keys.length > 0) print(keyTable(keys))
  if (!args.json) say(keys.length === count ? `${count} keys` : `${keys.length} of ${count} keys`)
  return 0
}

export async function info(args: OfKey): Promise<ExitCode> {
  show(found(await withKeys(args, async (keys) => keys.info(await idOf(keys, args.key)))), args)
  return 0
}

export async function update(
  args: OfKey & OptionArguments & { readonly clear?: string | undefined },
): Promise<ExitCode> {
  const changes = keyChanges(args, args.clear)
  if (Object.keys(changes).length === 0) {
    throw new CommandError('usage', 'nothing is to be changed', {
      hint: 'See token-meter keys update --help',
    })
  }
  show(
    found(await withKeys(args, async (keys) => keys.update(await idOf(keys, args.key), changes))),
    args,
  )
  return 0
}

export async function block(args: OfKey): Promise<ExitCode> {
  show(found(await withKeys(args, async (keys) => keys.block(await idOf(keys, args.key)))), args)
  return 0
}

export async function unblock(args: OfKey): Promise<ExitCode> {
  show(found(await withKeys(args, async (keys) => keys.unblock(await idOf(keys, args.key)))), args)
  return 0
}

export async function remove(args: OfKey & { readonly _: readonly string[] }): Promise<ExitCode> {
  const deleted = await withKeys(args, async (keys) =>
    keys.delete(await Promise.all(args._.map((name) => idOf(keys, name)))),
  )
  if (args.json) printJson({ deleted })
  else say(`${deleted.length} deleted`)
  if (deleted.length < new Set(args._).size) {
    throw new CommandError('not_found', 'there is no such key, of some that were named')
  }
  return 0
}

/** A key can be named by its alias too. */
async function idOf(keys: GatewayKeys, name: string): Promise<string> {
  if ((await keys.info(name)) !== undefined) return name
  const { keys: named } = await keys.list({ alias: name })
  return named[0]?.id ?? name
}

function show(key: KeyInfo, { json }: Shared): void {
  if (json) printJson(keyJson(key))
  else print(keyTable([key]))
}

/** The key alone on stdout, so that `KEY=$(token-meter keys generate)` has it. */
function showNew({ key, info }: NewKey, { json }: Shared): void {
  if (json) {
    printJson({ key, info: keyJson(info) })
    return
  }
  print(key)
  say('It is shown this once: only its hash is kept.')
}
