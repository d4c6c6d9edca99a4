import { type Call, type CallBounds, jsonObject, requestBounds } from '@token-meter/core/wire'

type Bounds = (body: Call['body']) => CallBounds

/** A model can come with a system message of its own, which its Modelfile has. */
const ofModelfile = 2048

/** The most that a chat or a completion can use. A negative cap is none, or what the context has left. */
export const textBounds: Bounds = (body) =>
  requestBounds(body, ({ options }) => ({
    maxOutput: jsonObject(options).num_predict,
    tokens: ['context'],
    added: ofModelfile,
  }))

/** The most that vectors can use: nothing is written. */
export const embedBounds: Bounds = (body) => requestBounds(body, () => ({ noOutput: true }))

/** The most that answers to given questions can use. */
export const questionBounds: Bounds = (body) => requestBounds(body, () => ({}))
