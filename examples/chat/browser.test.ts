import { startFakeStripe } from '@token-meter/testkit'
import type { Browser, Page } from 'playwright-core'
import { afterAll, expect, test } from 'vitest'
import { billedBy, recordedBy } from './test-bill.ts'
import { startChromium } from './test-browser.ts'
import { until } from './test-client.ts'
import { startSpokenProvider } from './test-provider.ts'
import { startBetween } from './test-server.ts'

const browser = await startChromium()
if (typeof browser === 'string') console.log(`skipped: ${browser}`)
afterAll(async () => {
  if (typeof browser !== 'string') await browser.close()
})

/** A window of its own, with its own cookies, in which a company has signed in. */
async function openAs(company: string, url: string): Promise<Page> {
  const context = await (browser as Browser).newContext()
  const page = await context.newPage()
  page.on('pageerror', (error) => {
    throw error
  })
  await page.goto(url)
  await page.getByRole('button', { name: company }).click()
  await page.getByText('No answers yet').waitFor()
  return page
}

async function ask(page: Page, question: string): Promise<void> {
  await page.getByLabel('Message').fill(question)
  await page.getByRole('button', { name: 'Send' }).click()
}

async function whenAnswerHas(page: Page, text: string): Promise<void> {
  await page.locator('.assistant', { hasText: text }).waitFor()
}

/** The rows of the usage panel. */
async function usageIn(page: Page): Promise<string[]> {
  return await page.locator('#models td').allTextContents()
}

test.skipIf(typeof browser === 'string')(
  'two companies chat at the same time, and each sees its own usage',
  async () => {
    await using provider = await startSpokenProvider()
    await using stripe = await startFakeStripe()
    await using server = await startBetween(provider, stripe)
    const alder = await openAs('Alder Travel', server.url)
    const birch = await openAs('Birch Legal', server.url)

    await ask(alder, 'Is tea hot?')
    await until(() => provider.answers.length === 1)
    await ask(birch, 'Is coffee hot?')
    await until(() => provider.answers.length === 2)
    const [toAlder, toBirch] = provider.answers
    toAlder?.say('Tea')
    await whenAnswerHas(alder, 'Tea')
    toBirch?.say('Coffee')
    await whenAnswerHas(birch, 'Coffee')
    toAlder?.say(' is hot.')
    await whenAnswerHas(alder, 'Tea is hot.')
    expect(await alder.getByText('No answers yet').isVisible()).toBe(true)

    toAlder?.finish(1_000, 20)
    await alder.getByText('1 answer, all at Stripe').waitFor()
    expect(await usageIn(alder)).toEqual(['input', '1,000', 'output', '20'])
    expect(await alder.locator('#amount').textContent()).toBe('$0.0022')
    expect(await birch.getByText('No answers yet').isVisible()).toBe(true)
    toBirch?.finish(3_000, 100)
    await birch.getByText('1 answer, all at Stripe').waitFor()
    expect(await usageIn(birch)).toEqual(['input', '3,000', 'output', '100'])
    expect(await usageIn(alder)).toEqual(['input', '1,000', 'output', '20'])

    await ask(alder, 'And cold tea?')
    await until(() => provider.answers.length === 3)
    expect(provider.answers[2]?.messages.slice(1)).toEqual([
      { role: 'user', content: 'Is tea hot?' },
      { role: 'assistant', content: 'Tea is hot.' },
      { role: 'user', content: 'And cold tea?' },
    ])
    provider.answers[2]?.say('No.')
    provider.answers[2]?.finish(50, 2)
    await alder.getByText('2 answers, all at Stripe').waitFor()
    expect(await usageIn(alder)).toEqual(['input', '1,050', 'output', '22'])

    expect(await server.stop()).toBe(0)
    expect(billedBy(stripe)).toEqual(recordedBy(server))
    expect(server.output()).not.toMatch(/tea|coffee/i)
    expect(server.ledgerBytes()).not.toMatch(/tea|coffee/i)
  },
)

test.skipIf(typeof browser === 'string')(
  'a tab that is closed, or an answer that is stopped, ends at the provider too',
  async () => {
    await using provider = await startSpokenProvider()
    await using stripe = await startFakeStripe()
    await using server = await startBetween(provider, stripe)
    const first = await openAs('Cedar Market', server.url)
    const second = await first.context().newPage()
    await second.goto(server.url)

    await ask(first, 'Is tea hot?')
    await until(() => provider.answers.length === 1)
    provider.answers[0]?.say('Tea is')
    await whenAnswerHas(first, 'Tea is')
    await first.close()
    await provider.answers[0]?.closed
    await second.getByText('1 answer stopped early').waitFor()

    await ask(second, 'Is coffee hot?')
    await until(() => provider.answers.length === 2)
    provider.answers[1]?.say('Coffee is')
    await whenAnswerHas(second, 'Coffee is')
    await second.getByRole('button', { name: 'Stop' }).click()
    await provider.answers[1]?.closed
    await second.getByText('2 answers stopped early').waitFor()
    await second.getByText('2 answers, all at Stripe').waitFor()

    expect(await server.stop()).toBe(0)
    expect(server.ledger()).toMatchObject([
      { customer: 'cus_cedar', outcome: 'estimated' },
      { customer: 'cus_cedar', outcome: 'estimated' },
    ])
    expect(billedBy(stripe)).toEqual(recordedBy(server))
  },
)
