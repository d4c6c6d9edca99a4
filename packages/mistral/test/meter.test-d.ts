// Checked by `pnpm typecheck`: what an editor infers, with no annotation.
import { Mistral } from '@mistralai/mistralai'
import { RealtimeTranscription } from '@mistralai/mistralai/extra/realtime'
import { Mistral as Mistral1 } from 'mistral1'
import { expectTypeOf } from 'vitest'
import { createMeter, meter, mistralProvider } from '../src/index.ts'

expectTypeOf(meter(new Mistral(), 'cus_1')).toEqualTypeOf<Mistral>()
expectTypeOf(meter(new Mistral1(), 'cus_1')).toEqualTypeOf<Mistral1>()
expectTypeOf(meter(new RealtimeTranscription(), 'cus_1')).toEqualTypeOf<RealtimeTranscription>()
expectTypeOf(meter(new Mistral(), (call) => call.body.metadata?.customer)).toEqualTypeOf<Mistral>()

const own = createMeter({ providers: [mistralProvider] })
expectTypeOf(own(new Mistral(), 'cus_1')).toEqualTypeOf<Mistral>()

// @ts-expect-error not a client
meter({}, 'cus_1')
// @ts-expect-error no customer
meter(new Mistral())
