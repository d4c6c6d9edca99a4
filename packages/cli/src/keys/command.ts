import { command, type CommandGroup } from '../command/command.ts'
import { keyArgument, optionArguments, storeArguments } from './key-arguments.ts'

const run = () => import('./run.ts')

const ofKey = { ...keyArgument, ...storeArguments } as const

const generate = command({
  meta: { name: 'generate', description: 'Makes a key, and shows it this once.' },
  args: { ...optionArguments, ...storeArguments },
  run: async (args) => (await run()).generate(args),
})

const list = command({
  meta: { name: 'list', description: 'The keys that there are, the newest first.' },
  args: {
    user: { type: 'string', description: 'Only of this user' },
    team: { type: 'string', description: 'Only of this team' },
    customer: { type: 'string', description: 'Only of this customer' },
    alias: { type: 'string', description: 'Only the one of this name' },
    page: { type: 'string', description: 'Of 100 keys each (default: 1)', valueHint: 'number' },
    ...storeArguments,
  },
  run: async (args) => (await run()).list(args),
})

const info = command({
  meta: { name: 'info', description: 'What a key may, and when it was used last.' },
  args: ofKey,
  run: async (args) => (await run()).info(args),
})

const update = command({
  meta: { name: 'update', description: 'Changes what a key may. What is not named stays.' },
  args: {
    ...keyArgument,
    ...optionArguments,
    clear: { type: 'string', description: 'What is taken away', valueHint: 'models,expires' },
    ...storeArguments,
  },
  run: async (args) => (await run()).update(args),
})

const rotate = command({
  meta: { name: 'rotate', description: 'Gives a key a new secret, and shows it this once.' },
  args: {
    ...keyArgument,
    grace: {
      type: 'string',
      description: 'How long the old one still works: 24h (default: not at all)',
      valueHint: 'time',
    },
    ...storeArguments,
  },
  run: async (args) => (await run()).rotate(args),
})

const block = command({
  meta: { name: 'block', description: 'Has a key refused, until it is unblocked.' },
  args: ofKey,
  run: async (args) => (await run()).block(args),
})

const unblock = command({
  meta: { name: 'unblock', description: 'Has a blocked key work again.' },
  args: ofKey,
  run: async (args) => (await run()).unblock(args),
})

const remove = command({
  meta: { name: 'delete', description: 'Deletes keys. Their usage stays.' },
  args: ofKey,
  takesMore: true,
  run: async (args) => (await run()).remove(args),
})

export const keysCommand: CommandGroup = {
  meta: { name: 'keys', description: 'Keys of the gateway, in the store of the outbox.' },
  subCommands: {
    generate: async () => generate,
    list: async () => list,
    info: async () => info,
    update: async () => update,
    rotate: async () => rotate,
    block: async () => block,
    unblock: async () => unblock,
    delete: async () => remove,
  },
}
