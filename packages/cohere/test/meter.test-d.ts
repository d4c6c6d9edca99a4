// Checked by `pnpm typecheck`: what an editor infers, with no annotation.
import { CohereClient, CohereClientV2 } from 'cohere-ai'
import { CohereClient as CohereClient7, CohereClientV2 as CohereClientV27 } from 'cohere7'
import { expectTypeOf } from 'vitest'
import { cohereProvider, createMeter, meter } from '../src/index.ts'

class AppClient extends CohereClientV2 {
  ask(question: string): string {
    return question
  }
}

const token = 'key'
expectTypeOf(meter(new CohereClient(), 'cus_1')).toEqualTypeOf<CohereClient>()
expectTypeOf(meter(new CohereClientV2({}), 'cus_1')).toEqualTypeOf<CohereClientV2>()
expectTypeOf(meter(new CohereClient7({ token }), 'cus_1')).toEqualTypeOf<CohereClient7>()
expectTypeOf(meter(new CohereClientV27({ token }), 'cus_1')).toEqualTypeOf<CohereClientV27>()
expectTypeOf(meter(new AppClient({}), (call) => call.body.user_id)).toEqualTypeOf<AppClient>()

// @ts-expect-error not a client
meter({}, 'cus_1')
// @ts-expect-error a client of another SDK
meter({ baseURL: 'x', post() {}, chat: { completions: {} } }, 'cus_1')
// @ts-expect-error no customer
meter(new CohereClient())
// @ts-expect-error a customer is text
meter(new CohereClient(), 7)
// @ts-expect-error an unknown option
meter(new CohereClient(), 'cus_1', { customer: 'x' })

const own = createMeter({ providers: [cohereProvider] })
expectTypeOf(own(new CohereClientV2({}), 'cus_1')).toEqualTypeOf<CohereClientV2>()
expectTypeOf(meter.fetch('cus_1')).toEqualTypeOf<typeof fetch>()
