import { GoogleGenAI } from '@google/genai'
import { expectTypeOf } from 'vitest'
import { createMeter, googleProvider, meter } from '../src/index.ts'

class Shop extends GoogleGenAI {
  greet() {
    return 'hi'
  }
}

expectTypeOf(meter(new GoogleGenAI({}), 'cus_1')).toEqualTypeOf<GoogleGenAI>()
expectTypeOf(meter(new Shop({}), 'cus_1')).toEqualTypeOf<Shop>()
expectTypeOf(
  meter(new GoogleGenAI({}), (call) => call.body.labels?.user),
).toEqualTypeOf<GoogleGenAI>()
expectTypeOf(meter(new GoogleGenAI({}), () => undefined)).toEqualTypeOf<GoogleGenAI>()

// @ts-expect-error a customer is needed
meter(new GoogleGenAI({}))
// @ts-expect-error a customer is text
meter(new GoogleGenAI({}), 7)
// @ts-expect-error a customer function answers text
meter(new GoogleGenAI({}), () => 7)
// @ts-expect-error an unknown option
meter(new GoogleGenAI({}), 'cus_1', { customer: 'x' })
// @ts-expect-error no client of this SDK
meter({ models: {} }, 'cus_1')

const own = createMeter({ providers: [googleProvider] })
expectTypeOf(own(new GoogleGenAI({}), 'cus_1')).toEqualTypeOf<GoogleGenAI>()
const answer = await own(new GoogleGenAI({}), 'cus_1').models.generateContent({
  model: 'm',
  contents: 'x',
})
expectTypeOf(answer.text).toEqualTypeOf<string | undefined>()
