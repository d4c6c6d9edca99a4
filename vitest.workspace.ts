import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { defineConfig, type TestProjectConfiguration } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { stripeOpenApi } from './packages/testkit/src/internal/shared-folder.ts'

// Inherited by the workers, and by the hundreds of processes that tests start: each would compile the
// same sources and SDKs anew, which is most of what a short one does.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/compiled')

// Suites start real servers and child processes; two cores are what CI has.
const timeouts = { testTimeout: 30_000, hookTimeout: 60_000 }

const packed = ['test/packed.test.ts', 'test/bundled.test.ts']

// A fake Stripe checks requests against Stripe's own API description, where there is one.
const openApi = stripeOpenApi()
const env = openApi === undefined ? {} : { TOKEN_METER_STRIPE_OPENAPI: openApi }

function project(name: string, root: string, include: string[]): TestProjectConfiguration {
  const exclude = ['**/node_modules/**', ...packed]
  return { test: { name, root, include, exclude, env, ...timeouts } }
}

/** What takes longest begins first: it waits for a build, which goes on beside the other tests. */
class PackedFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isPacked = ({ project }: TestSpecification) => project.name === 'packed'
    // oxlint-disable-next-line unicorn/no-array-sort -- Not the array's.
    const sorted = await super.sort(files)
    return [...sorted.filter(isPacked), ...sorted.filter((file) => !isPacked(file))]
  }
}

// `.ci/run` asks for this report, to count the tests.
const summary = process.env['TOKEN_METER_TEST_SUMMARY']

export default defineConfig({
  test: {
    ...timeouts,
    // Two more than there are cores: most of these tests wait, for children and for servers.
    maxWorkers: availableParallelism() + 2,
    sequence: { sequencer: PackedFirst },
    reporters: summary === undefined ? ['default'] : ['default', ['json', { outputFile: summary }]],
    projects: [
      ...[
        'core',
        'openai',
        'anthropic',
        'google',
        'mistral',
        'bedrock',
        'cohere',
        'ollama',
        'credits',
        'gateway',
        'cli',
        'ai-sdk',
        'stripe',
        'metronome',
        'lago',
        'openmeter',
        'opentelemetry',
        'testkit',
        'frameworks',
      ].map((name) => project(name, `packages/${name}`, ['src/**/*.test.ts', 'test/**/*.test.ts'])),
      {
        test: {
          name: 'postgres',
          root: 'packages/postgres',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          // One real server for all of its tests.
          globalSetup: 'test/global-server.ts',
          ...timeouts,
        },
      },
      project('bench', 'packages/bench', ['src/**/*.test.ts', 'test/**/*.test.ts']),
      project('demo', 'examples/demo', ['**/*.test.ts']),
      ...[
        'chat',
        'openai',
        'anthropic',
        'google',
        'bedrock',
        'ai-sdk',
        'langchain',
        'fetch',
        'gateway',
      ].map((name) => project(`example-${name}`, `examples/${name}`, ['**/*.test.ts'])),
      {
        test: {
          name: 'packed',
          root: 'packages/testkit',
          include: packed,
          globalSetup: 'test/packed/global-setup.ts',
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
})
