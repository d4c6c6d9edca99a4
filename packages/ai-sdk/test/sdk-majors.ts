import * as ai7 from 'ai'
import * as ai5 from 'ai5'
import * as ai6 from 'ai6'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogle } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { createAnthropic as createAnthropic2 } from 'ai-anthropic2'
import { createAnthropic as createAnthropic3 } from 'ai-anthropic3'
import { createGoogleGenerativeAI as createGoogle2 } from 'ai-google2'
import { createGoogleGenerativeAI as createGoogle3 } from 'ai-google3'
import { createOpenAI as createOpenAI2 } from 'ai-openai2'
import { createOpenAI as createOpenAI3 } from 'ai-openai3'

/** Every major behaves alike where the tests look, so they are written against the newest's types. */
export type Ai = typeof ai7

/** A major of the AI SDK with the providers of its own specification. */
export interface SdkMajor {
  readonly major: number
  /** The specification of its providers' models. */
  readonly version: 'v2' | 'v3' | 'v4'
  readonly ai: Ai
  readonly generateImage: Ai['generateImage']
  readonly createOpenAI: typeof createOpenAI
  readonly createAnthropic: typeof createAnthropic
  readonly createGoogle: typeof createGoogle
}

export const sdkMajors: readonly SdkMajor[] = [
  {
    major: 5,
    version: 'v2',
    ai: ai5 as unknown as Ai,
    generateImage: ai5.experimental_generateImage as never,
    createOpenAI: createOpenAI2 as never,
    createAnthropic: createAnthropic2 as never,
    createGoogle: createGoogle2 as never,
  },
  {
    major: 6,
    version: 'v3',
    ai: ai6 as unknown as Ai,
    generateImage: ai6.experimental_generateImage as never,
    createOpenAI: createOpenAI3 as never,
    createAnthropic: createAnthropic3 as never,
    createGoogle: createGoogle3 as never,
  },
  {
    major: 7,
    version: 'v4',
    ai: ai7,
    generateImage: ai7.generateImage,
    createOpenAI,
    createAnthropic,
    createGoogle,
  },
]

/** Also a warning log of ai 6 and 7 about models of an earlier specification. */
globalThis.AI_SDK_LOG_WARNINGS = false
