import { chromium as playwright, type Browser } from 'playwright-core'

/** Chromium from npm, headless; where it cannot start, the reason. */
export async function startChromium(): Promise<Browser | string> {
  try {
    const { default: chromium } = await import('@sparticuz/chromium')
    return await playwright.launch({
      executablePath: await chromium.executablePath(),
      args: ['--no-sandbox', '--disable-background-networking'],
    })
  } catch (error) {
    return `Chromium cannot start here: ${String(error).split('\n')[0]}`
  }
}
