import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

const packages = join(import.meta.dirname, '../..')

interface Documented {
  /** The package whose README has them. */
  readonly readme: string
  readonly type: string
  /** Headings of the README: the first table below each has options of this type. */
  readonly headings: readonly string[]
}

/** Where the options stand of what the packages export: a row for each, with its default and unit. */
const documented: readonly Documented[] = [
  of('core', 'MeterOptions', '`createMeter(options)`'),
  of('core', 'DeliveryOptions', '`delivery`'),
  of('core', 'ClientOptions', '`meter(client, customer, options)`'),
  of('core', 'FetchOptions', '`meter.fetch(customer, options)`'),
  of('core', 'UnmeteredWatchOptions', '`watchUnmetered(listener, options)`'),
  of('core', 'FlushOptions', '`flush(options)` and `close(options)`'),
  of('core', 'CloseOptions', '`flush(options)` and `close(options)`'),
  of('core', 'SqliteOutboxOptions', '`sqliteOutbox(path, options)`'),
  of('core', 'MemoryOutboxOptions', '`memoryOutbox(options)`'),
  of('core', 'AggregationOptions', '`aggregated(sink, options)`'),
  of('core', 'ConsoleSinkOptions', '`consoleSink(options)`'),
  of('core', 'MeterEventOptions', '`toMeterEvents(record, options)`'),
  of('core', 'CostOptions', '`cost(options)`'),
  of('core', 'GenaiPricesOptions', '`genaiPrices(options)`'),
  of('core', 'GptTokenizerOptions', '`gptTokenizer(options)`'),
  of('openai', 'ClientOptions', 'Options'),
  of('openai', 'MeterRealtimeOptions', 'Options', 'Realtime, Live and Responses sockets'),
  of(
    'openai',
    'MeterWebSocketOptions',
    'Options',
    'Realtime, Live and Responses sockets',
    'Sockets that a tool opens',
  ),
  of('anthropic', 'ClientOptions', 'Options'),
  of('google', 'ClientOptions', 'Options'),
  of('mistral', 'ClientOptions', 'Options'),
  of('bedrock', 'ClientOptions', 'Options'),
  of('bedrock', 'BedrockOptions', '`createBedrockProvider(options)`'),
  of('cohere', 'ClientOptions', 'Options'),
  of('ollama', 'ClientOptions', 'Options'),
  of('ai-sdk', 'MeterMiddlewareOptions', 'Options'),
  of('stripe', 'StripeSinkOptions', 'Options'),
  of('stripe', 'AfterTheFactOptions', 'After the fact'),
  of('stripe', 'MeterErrorHandlerOptions', 'After the fact', '`meterErrorHandler(options)`'),
  of('stripe', 'CancelUsageOptions', 'After the fact', '`cancelUsage(recordId, options)`'),
  of('stripe', 'ReconcileUsageOptions', 'After the fact', '`reconcileUsage(options)`'),
  of('metronome', 'MetronomeSinkOptions', 'Options'),
  of('lago', 'LagoSinkOptions', 'Options'),
  of('openmeter', 'OpenMeterSinkOptions', 'Options'),
  of('opentelemetry', 'OpenTelemetrySinkOptions', 'openTelemetrySink'),
  of('opentelemetry', 'ObserveMeterOptions', 'observeMeter'),
  of('testkit', 'FakeServerOptions', 'All stand-ins'),
  of('testkit', 'FakeStripeOptions', 'Stripe', 'All stand-ins'),
  of('testkit', 'DeliverOptions', '`billing.deliver(options)`'),
  of('testkit', 'FakeMetronomeOptions', 'Metronome', 'All stand-ins'),
  of('testkit', 'FakeLagoOptions', 'Lago', 'All stand-ins'),
  of('testkit', 'FakeOpenMeterOptions', 'OpenMeter', 'All stand-ins'),
  of('testkit', 'Fault', '`failWith(fault, options)`'),
  of('testkit', 'FaultOptions', '`failWith(fault, options)`'),
  of('testkit', 'ReplyOptions', '`serve(reply, options)`'),
  of('testkit', 'ReplayServerOptions', '`serve(reply, options)`'),
  of('credits', 'CreditsOptions', '`createCredits(options)`'),
  of('credits', 'AccountOptions', '`account(customer, options)`'),
  of('credits', 'GrantOptions', '`grant(customer, options)`'),
  of('credits', 'HoldOptions', '`hold(customer, options)`'),
  of('credits', 'Amount', '`check(customer, amount)`'),
  of('credits', 'AdjustOptions', '`adjust(customer, options)`'),
  of('credits', 'RevokeOptions', '`revoke(customer, options)`'),
  of('credits', 'UnrevokeOptions', '`revoke(customer, options)`'),
  of('credits', 'HistoryQuery', '`history(customer, query)`'),
  of('credits', 'ReconcileQuery', '`reconcile(query)`'),
  of('credits', 'Plan', 'A plan'),
  of('credits', 'GuardOptions', '`credits.guard(options)`'),
  of('credits', 'PoolOptions', '`pool(options)`'),
  of('credits', 'SubscribeOptions', '`subscribe(customer, options)`'),
  of('credits', 'UnsubscribeOptions', '`unsubscribe(customer, options)`'),
  of('credits', 'CreditsWebhookOptions', '`creditsWebhook(options)`'),
  of('credits', 'MirrorOptions', '`mirrorGrants(options)`'),
  of('gateway', 'GatewayOptions', '`createGateway(options)`'),
  of('gateway', 'UpstreamOptions', 'An upstream'),
  of('gateway', 'TimeoutOptions', '`timeouts`'),
  of('gateway', 'ListenOptions', '`gateway.listen(options)`'),
  of('gateway', 'GatewayCloseOptions', '`gateway.close(options)`'),
  of('gateway', 'GatewayKeysOptions', '`gatewayKeys(options)`'),
  of('gateway', 'KeyOptions', '`keys.generate(options)`'),
  of('gateway', 'StripeHeadersOptions', '`stripeHeaders(options)`'),
  of('postgres', 'PostgresConnection', 'Where the database is'),
  of('postgres', 'PostgresOutboxOptions', 'Options'),
  of('postgres', 'MigrateOptions', '`migrate(pool, options)`'),
]

function of(readme: string, type: string, ...headings: string[]): Documented {
  return { readme, type, headings }
}

const published = readdirSync(packages).filter((name) => {
  const manifest = readFileSync(join(packages, name, 'package.json'), 'utf8')
  return (JSON.parse(manifest) as { private?: boolean }).private !== true
})

const entries = published.flatMap((name) =>
  publicExports(name)
    // The others are for those who write a provider, a sink or an outbox.
    .filter((file) => /(?<!\/(?:adapter|sink|wire))\.ts$/.test(file))
    .map((file) => ({ name, file: join(packages, name, file) })),
)

const program = ts.createProgram(
  entries.map(({ file }) => file),
  {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    types: ['node'],
    strict: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    noEmit: true,
  },
)
const checker = program.getTypeChecker()

/** What a package exports itself, and what it passes on, by name. */
const exported = Map.groupBy(
  entries.flatMap(({ name, file }) => {
    const module = checker.getSymbolAtLocation(program.getSourceFile(file)!)
    // One that is imported for its effect alone exports nothing.
    return (module === undefined ? [] : checker.getExportsOfModule(module)).map((symbol) => ({
      name: symbol.name,
      package: name,
      symbol: symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
    }))
  }),
  ({ name }) => name,
)

describe.each(documented)('README of $readme: $type', ({ readme, type, headings }) => {
  const rows = headings.flatMap((heading) => tableBelow(readme, heading))

  test('has every option, and none that is not there', () => {
    const named = new Set(rows.flatMap(({ names }) => names))
    const options = optionsOf(type)
    expect(options.filter((name) => !named.has(name))).toEqual([])
    const known = new Set([...options, ...documentedBeside(readme, headings)])
    expect([...named].filter((name) => !known.has(name))).toEqual([])
  })

  test('says its default, what it is, and its unit', () => {
    const lacking = rows.filter(
      ({ names, fallback, text }) =>
        text === '' ||
        (fallback === '' && !text.includes('needed')) ||
        (names.some((name) => /(Ms|Bytes|PerSecond)$/.test(name)) &&
          !unit.test(`${fallback} ${text}`)),
    )
    expect(lacking.map(({ names }) => names.join())).toEqual([])
  })
})

const unit = /\b(ms|s|minutes?|hours?|days?|MB|MiB|a second)\b/

/** What an outbox, or the table of a provider's calls, is handed: its authors read the contract. */
const ofContracts = ['AppendOptions', 'ClaimOptions', 'SendOptions']

test('every exported type of options stands in a README', () => {
  const types = [...exported.keys()].filter((name) => /^[A-Z].*(Options|Connection)$/.test(name))
  const known = new Set([...ofContracts, ...documented.map(({ type }) => type)])
  expect(types.filter((name) => !known.has(name))).toEqual([])
})

function optionsOf(type: string): string[] {
  const symbol = exported.get(type)?.[0]?.symbol
  if (symbol === undefined) throw new Error(`no package exports the type ${type}`)
  const declared = checker.getDeclaredTypeOfSymbol(symbol)
  const members = declared.isUnion() ? declared.types : [declared]
  return [...new Set(members.flatMap((member) => member.getProperties().map(({ name }) => name)))]
}

/** Options that a table has for other types too: what one of them extends. */
function documentedBeside(readme: string, headings: readonly string[]): string[] {
  return documented
    .filter(
      (other) => other.readme === readme && other.headings.some((of) => headings.includes(of)),
    )
    .flatMap(({ type }) => optionsOf(type))
}

interface Row {
  readonly names: readonly string[]
  readonly fallback: string
  readonly text: string
}

/** `| option | default | what it is |` below a heading, before the next one. */
function tableBelow(readme: string, heading: string): Row[] {
  const lines = readFileSync(join(packages, readme, 'README.md'), 'utf8').split('\n')
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading)
  if (start === -1) throw new Error(`packages/${readme}/README.md has no heading "${heading}"`)
  const length = lines.slice(start + 1).findIndex((line) => /^#+ /.test(line))
  const section =
    length === -1 ? lines.slice(start + 1) : lines.slice(start + 1, start + 1 + length)
  const first = section.findIndex((line) => /^\| option +\| default +\|/.test(line))
  if (first === -1) return []
  const end = section.findIndex((line, at) => at > first && !line.startsWith('|'))
  return section.slice(first + 2, end === -1 ? undefined : end).map((line) => {
    const [name = '', fallback = '', ...text] = line.split(/(?<!\\)\|/).slice(1, -1)
    const names = [...name.matchAll(/`(\w+)`/g)].map(([, option]) => option!)
    return { names, fallback: fallback.trim(), text: text.join('|').trim() }
  })
}

/** The sources of what a release of the package exports. */
function publicExports(name: string): readonly string[] {
  const manifest = JSON.parse(readFileSync(join(packages, name, 'package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<string, string>>
    readonly publishConfig: { readonly exports: object }
  }
  const isPublic = (entry: string) => Object.hasOwn(manifest.publishConfig.exports, entry)
  return Object.entries(manifest.exports).flatMap(([entry, file]) => (isPublic(entry) ? file : []))
}

describe('links of the READMEs on npm', () => {
  const site = 'https://github.com/token-meter/token-meter/blob/main/'

  test.each(published)('%s: none is relative, and those to our files are right', (name) => {
    const text = readFileSync(join(packages, name, 'README.md'), 'utf8')
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!)
    expect(links.filter((link) => !/^(https:|#)/.test(link))).toEqual([])
    const files = links.flatMap((link) =>
      link.startsWith(site) ? [link.slice(site.length).replace(/#.*/, '')] : [],
    )
    const missing = files.filter((file) => !existsSync(join(packages, '..', file)))
    expect(missing).toEqual([])
    expect(files.filter((file) => file.startsWith('docs/')).length).toBeGreaterThan(0)
  })

  test('a page of docs/ is linked from the README of a package', () => {
    const texts = published.map((name) => readFileSync(join(packages, name, 'README.md'), 'utf8'))
    const docs = readdirSync(join(packages, '../docs'), { recursive: true, encoding: 'utf8' })
    const guides = docs.filter((file) => file.endsWith('.md') && !file.startsWith('decisions'))
    const unlinked = guides.filter(
      (file) => !texts.some((text) => text.includes(`${site}docs/${file}`)),
    )
    expect(unlinked).toEqual([])
  })
})
