import { GoogleGenAI as GoogleGenAI3 } from '@google/genai'
import { GoogleGenAI as GoogleGenAI1 } from 'genai1'
import { GoogleGenAI as GoogleGenAI2 } from 'genai2'

/** Every major behaves alike where the tests look, so they are written against the newest's types. */
export type SdkClient = GoogleGenAI3
export type SdkClass = typeof GoogleGenAI3

/** The majors of the SDK, each installed under its own name. */
export const sdkMajors: readonly { readonly major: number; readonly GoogleGenAI: SdkClass }[] = [
  { major: 1, GoogleGenAI: GoogleGenAI1 as unknown as SdkClass },
  { major: 2, GoogleGenAI: GoogleGenAI2 as unknown as SdkClass },
  { major: 3, GoogleGenAI: GoogleGenAI3 },
]
