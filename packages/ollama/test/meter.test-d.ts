// Checked by `pnpm typecheck`: what an editor infers, with no annotation.
import ollama, { Ollama } from 'ollama'
import { Ollama as BrowserOllama } from 'ollama/browser'
import { Ollama as Ollama05 } from 'ollama05'
import { expectTypeOf } from 'vitest'
import { createMeter, meter, ollamaProvider } from '../src/index.ts'

class AppClient extends Ollama {
  ask(question: string): string {
    return question
  }
}

expectTypeOf(meter(new Ollama(), 'cus_1')).toEqualTypeOf<Ollama>()
expectTypeOf(meter(ollama, 'cus_1')).toEqualTypeOf<typeof ollama>()
expectTypeOf(meter(new BrowserOllama(), 'cus_1')).toEqualTypeOf<BrowserOllama>()
expectTypeOf(meter(new Ollama05(), 'cus_1')).toEqualTypeOf<Ollama05>()
expectTypeOf(meter(new AppClient(), (call) => call.body.user)).toEqualTypeOf<AppClient>()

// @ts-expect-error not a client
meter({}, 'cus_1')
// @ts-expect-error a client of another SDK
meter({ baseURL: 'x', post() {}, chat: { completions: {} } }, 'cus_1')
// @ts-expect-error no customer
meter(new Ollama())
// @ts-expect-error a customer is text
meter(new Ollama(), 7)
// @ts-expect-error an unknown option
meter(new Ollama(), 'cus_1', { customer: 'x' })

const own = createMeter({ providers: [ollamaProvider] })
expectTypeOf(own(new Ollama(), 'cus_1')).toEqualTypeOf<Ollama>()
expectTypeOf(meter.fetch('cus_1')).toEqualTypeOf<typeof fetch>()
