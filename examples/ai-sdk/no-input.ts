import { jsonSchema } from 'ai'

/** The schema of a tool that takes nothing. */
export const noInput = jsonSchema<Record<string, never>>({ type: 'object', properties: {} })
