import { command } from '../command/command.ts'

export const gatewayCommand = command({
  meta: {
    name: 'gateway',
    description: 'A base URL that bills: passes LLM calls on byte for byte, and meters them.',
  },
  args: {
    config: {
      type: 'string',
      description: 'Its configuration (default: token-meter.gateway.json, where there is one)',
      valueHint: 'file',
    },
    port: { type: 'string', description: 'Where it listens (default: 4100)' },
    host: { type: 'string', description: 'On which address (default: 127.0.0.1)' },
    outbox: {
      type: 'string',
      description:
        'Where usage and keys are kept (default: $TOKEN_METER_OUTBOX, else .token-meter/usage.db)',
      valueHint: 'path|postgres://',
    },
  },
  run: async (args) => (await import('./run.ts')).runGateway(args),
})
