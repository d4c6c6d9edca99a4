import { setTimeout as sleep } from 'node:timers/promises'

/** A browser's requests, without the browser. */
export interface TestClient {
  /** Posts a question; the answer's events come in the response. */
  post(question: string, signal?: AbortSignal): Promise<Response>
  /** Asks, and reads the answer to its end. */
  ask(question: string): Promise<string>
  get(path: string, signal?: AbortSignal): Promise<Response>
  /** Presses the button of a form, and follows no redirect. */
  press(path: string): Promise<Response>
  /** Collects what the server tells by itself. */
  follow(path: string): Promise<Followed>
}

export interface Followed {
  /** All of it so far. */
  text(): string
  leave(): void
}

/** Signs in as a company. */
export async function signIn(url: string, company: string): Promise<TestClient> {
  const answer = await fetch(`${url}/login`, {
    method: 'POST',
    headers: { origin: url },
    body: new URLSearchParams({ company }),
    redirect: 'manual',
  })
  const cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? ''
  const post = (question: string, signal?: AbortSignal) =>
    fetch(`${url}/chat`, {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content: question }] }),
      signal: signal ?? null,
    })
  const get = (path: string, signal?: AbortSignal) =>
    fetch(`${url}${path}`, { headers: { cookie }, signal: signal ?? null })
  return {
    post,
    ask: async (question) => textOf(await (await post(question)).text()),
    get,
    press: (path) =>
      fetch(`${url}${path}`, {
        method: 'POST',
        headers: { cookie, origin: url, 'content-type': 'application/x-www-form-urlencoded' },
        redirect: 'manual',
      }),
    async follow(path) {
      const left = new AbortController()
      const { body } = await get(path, left.signal)
      let seen = ''
      const read = async (): Promise<void> => {
        const decoder = new TextDecoder()
        for await (const bytes of body ?? []) seen += decoder.decode(bytes)
      }
      void read().catch(() => {})
      return { text: () => seen, leave: () => left.abort() }
    },
  }
}

/** The text in the events of an answer. */
export function textOf(events: string): string {
  return Array.from(events.matchAll(/^event: text\ndata: (.*)$/gm), ([, data = '""']) =>
    String(JSON.parse(data)),
  ).join('')
}

/** Waits until a condition holds; the test's own timeout ends what never does. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20)
}
