import type { Browser } from 'playwright-core'
import { afterAll, expect, test } from 'vitest'
import { startChromium } from './test-browser.ts'
import { until } from './test-client.ts'
import { startSpokenProvider } from './test-provider.ts'
import { startChat } from './test-server.ts'

const browser = await startChromium()
if (typeof browser === 'string') console.log(`skipped: ${browser}`)
afterAll(async () => {
  if (typeof browser !== 'string') await browser.close()
})

test.skipIf(typeof browser === 'string')(
  'credit runs out in mid-conversation, is topped up at Checkout, and the conversation goes on',
  async () => {
    await using provider = await startSpokenProvider()
    await using server = await startChat({
      OPENAI_API_KEY: 'sk-secret',
      OPENAI_BASE_URL: `${provider.url}/v1`,
    })
    const context = await (browser as Browser).newContext()
    const page = await context.newPage()
    page.on('pageerror', (error) => {
      throw error
    })
    const left = (text: string) => page.locator('#left', { hasText: text }).waitFor()
    const ask = async (question: string) => {
      await page.getByLabel('Message').fill(question)
      await page.getByRole('button', { name: 'Send' }).click()
    }
    await page.goto(server.url)
    await page.getByRole('button', { name: 'Cedar Market' }).click()
    await left('$0.0100')

    await ask('Is tea hot?')
    await until(() => provider.answers.length === 1)
    provider.answers[0]?.say('Tea is hot.')
    provider.answers[0]?.finish(100, 800)
    await left('$0.0018')
    await page.getByText('Less than 20 %').waitFor()

    await ask('And coffee?')
    await page.getByText('Your credit does not reach for this answer').waitFor()
    await page.getByLabel('Message').fill('What about cocoa?')
    expect(await page.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true)
    await page.getByRole('button', { name: 'Take the question back' }).click()
    expect(await page.getByLabel('Message').inputValue()).toBe('And coffee?\nWhat about cocoa?')
    await page.getByRole('button', { name: 'Send' }).click()

    const toPay = page.locator('.notice').getByRole('button', { name: 'Top up' })
    const [checkout] = await Promise.all([context.waitForEvent('page'), toPay.click()])
    await checkout.getByRole('button', { name: 'Pay $5.00' }).click()
    await checkout.getByText('you can close this one').waitFor()
    await checkout.close()

    await left('$5.0018')
    await page.getByText('$5.0000 more, just now').waitFor()
    await until(() => provider.answers.length === 2)
    expect(provider.answers[1]?.messages.slice(1)).toEqual([
      { role: 'user', content: 'Is tea hot?' },
      { role: 'assistant', content: 'Tea is hot.' },
      { role: 'user', content: 'And coffee?\nWhat about cocoa?' },
    ])
    provider.answers[1]?.say('Both are.')
    provider.answers[1]?.finish(100, 80)
    await page.locator('.assistant.complete', { hasText: 'Both are.' }).waitFor()
    await left('$5.0008')
    expect(await page.locator('.notice').count()).toBe(0)
    expect(await server.stop()).toBe(0)
  },
)
