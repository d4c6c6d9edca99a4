import { createMeter, memoryOutbox, openaiProvider } from '../src/index.ts'
import type { SdkClass, SdkClient } from './sdk-majors.ts'

/** What a fetch was asked for. */
export interface Asked {
  readonly url: string
  readonly method: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

/** A client, what its fetch was asked for, and how it was made. */
export interface Side {
  readonly client: SdkClient
  readonly asked: Asked[]
  readonly OpenAI: SdkClass
  readonly isMetered: boolean
  /** Another client of the same kind, answered alike. */
  another(options: object): SdkClient
}

export type Answer = (asked: Asked, attempt: number) => Response | Promise<Response>

const ok: Answer = () => Response.json({ id: 'x', ok: true })

/** Values that differ between any two requests. */
const volatile = /^(?:x-stainless-|idempotency-key|user-agent)/

/**
 * Runs the same thing on a raw client and on a metered one, and returns what came of each: the
 * value or the error, and what was sent.
 */
export async function sideBySide(
  OpenAI: SdkClass,
  work: (side: Side) => unknown,
  answer: Answer = ok,
  options: object = {},
): Promise<{ raw: unknown; metered: unknown }> {
  const run = async (isMetered: boolean) => {
    const asked: Asked[] = []
    const fetch = async (url: unknown, init: RequestInit = {}) => {
      if (String(url).startsWith('data:')) return new Response('')
      const headers = new Headers((init.headers ?? {}) as Record<string, string>)
      const request = {
        url: String(url),
        method: init.method,
        headers: Object.fromEntries(
          [...headers]
            .filter(([name]) => !volatile.test(name))
            .map(([name, value]) => [name, value.replace(/boundary=.*/, 'boundary')]),
        ),
        body: await sentBody(init.body),
      }
      asked.push(request)
      if (init.signal?.aborted) throw init.signal.reason
      return await answer(request, asked.length)
    }
    const meter = createMeter({
      providers: [openaiProvider],
      outbox: memoryOutbox(),
      onError: () => {},
    })
    const another = (more: object): SdkClient => {
      const client = new OpenAI({
        apiKey: 'key',
        baseURL: 'http://localhost:5000/v1',
        maxRetries: 0,
        fetch,
        ...options,
        ...more,
      } as never)
      return isMetered ? meter(client, 'cus_1') : client
    }
    try {
      const value: unknown = await work({ client: another({}), asked, OpenAI, isMetered, another })
      return { value, asked }
    } catch (error) {
      const { status, name, constructor } = error as Error & { status?: number }
      return { error: String(error), status, name, class: constructor.name, asked }
    } finally {
      await meter.close()
    }
  }
  return { raw: await run(false), metered: await run(true) }
}

async function sentBody(body: unknown): Promise<unknown> {
  if (!(body instanceof FormData)) return typeof body === 'string' ? body : typeof body
  const fields = [...body.entries()].map(async ([name, value]) => [
    name,
    typeof value === 'string' ? value : `${value.name}: ${await value.text()}`,
  ])
  return await Promise.all(fields)
}
