/** `node packages/cli/src/gateway/write-schema.ts`, after a change of `config-schema.ts`. A test holds the two together. */
import { writeFileSync } from 'node:fs'
import { jsonSchema } from './config-schema.ts'

/** What the file has. */
export function schemaText(): string {
  return `${JSON.stringify(jsonSchema(), null, 2)}\n`
}

if (import.meta.main) {
  writeFileSync(new URL('../../token-meter.gateway.schema.json', import.meta.url), schemaText())
}
