import { describe, expect, test } from 'vitest'
import { startMetered } from './metered.ts'
import { chatCompletion, chatRequest } from './scripts.ts'
import { type SdkClass, sdkMajors } from './sdk-majors.ts'

/** The ways in which an application's own client makes calls. */
function applicationClient(OpenAI: SdkClass) {
  return class AppClient extends OpenAI {
    #key = 'secret'
    static brand(client: object): boolean {
      return #key in client
    }
    get llm() {
      return this.chat.completions
    }
    arrow = () => this.chat.completions.create(chatRequest)
    plain() {
      return this.chat.completions.create(chatRequest)
    }
    async withPrivateField() {
      await Promise.resolve(this.#key)
      return await this.chat.completions.create(chatRequest)
    }
    throughSuper() {
      return super.post('/chat/completions', { body: chatRequest })
    }
    withOddText() {
      return this.post(`/chat/completions${'a.#b'.slice(4)}`, { body: chatRequest })
    }
    async parallel() {
      await Promise.all([this.plain(), this.arrow()])
    }
  }
}

describe.each(sdkMajors)('a subclass of openai $major', ({ OpenAI }) => {
  const AppClient = applicationClient(OpenAI)
  type App = InstanceType<typeof AppClient>

  test.each<[string, number, (client: App) => unknown]>([
    ['a getter', 1, (client) => client.llm.create(chatRequest)],
    ['an arrow function', 1, (client) => client.arrow()],
    ['a plain method', 1, (client) => client.plain()],
    ['a method with a private field', 1, (client) => client.withPrivateField()],
    ['a call of super', 1, (client) => client.throughSuper()],
    ['a method that looks as if', 1, (client) => client.withOddText()],
    ['calls of its own methods', 2, (client) => client.parallel()],
  ])('%s is metered', async (_, calls, run) => {
    await using started = await startMetered(AppClient as unknown as SdkClass)
    started.server.serve(chatCompletion, { times: calls })
    await run(started.metered as App)
    expect(started.records).toHaveLength(calls)
    expect(started.server.requests).toHaveLength(calls)
    expect(started.errors).toEqual([])
  })

  test('the raw client stays unmetered, also beside a metered one that is at work', async () => {
    await using run = await startMetered(AppClient as unknown as SdkClass)
    run.server.serve(chatCompletion, { times: 2 })
    const raw = run.raw as App
    await Promise.all([(run.meter(raw, 'cus_1') as App).plain(), raw.plain()])
    expect(run.records).toHaveLength(1)
  })

  test('customers of one raw client do not mix', async () => {
    await using run = await startMetered(AppClient as unknown as SdkClass)
    run.server.serve(chatCompletion, { times: 10 })
    const customers = Array.from({ length: 10 }, (_, index) => `cus_${index}`)
    const ask = (customer: string) => (run.meter(run.raw, customer) as App).withPrivateField()
    await Promise.all(customers.map(ask))
    expect(run.records.map(({ customer }) => customer).toSorted()).toEqual(customers)
  })
})
