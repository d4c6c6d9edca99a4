/**
 * OpenAI's wire format with the work that goes on after its request was answered.
 * @module
 */
export { openaiJobsWire } from './wire/jobs/protocol.ts'
