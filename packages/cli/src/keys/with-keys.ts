/** Works on the keys that are beside an outbox, and closes it again. */
import type { GatewayKeys } from '@token-meter/gateway'
import { gatewayKeys } from '@token-meter/gateway'
import { CommandError } from '../command/command-error.ts'
import { outboxOfConfig } from '../gateway/read-config.ts'
import { openOutbox, outboxName } from '../outbox/open-outbox.ts'

export interface StoreArguments {
  readonly outbox?: string | undefined
  readonly config?: string | undefined
}

export async function withKeys<Value>(
  args: StoreArguments,
  work: (keys: GatewayKeys) => Promise<Value>,
): Promise<Value> {
  const name = args.outbox ?? outboxName(outboxOfConfig(args.config, process.env))
  const outbox = await openOutbox(name)
  try {
    if (!outbox.durable) {
      throw new CommandError('outbox', 'keys in memory would end with this command', {
        hint: 'Name a file or a database with --outbox',
      })
    }
    const keys = gatewayKeys({ outbox })
    try {
      return await work(keys)
    } finally {
      await keys.close()
    }
  } finally {
    await outbox.close()
  }
}

/** @throws CommandError where it is not there. */
export function found<Value>(value: Value | undefined): Value {
  if (value !== undefined) return value
  throw new CommandError('not_found', 'there is no such key', {
    hint: 'token-meter keys list shows those that there are, and --outbox says where',
  })
}
