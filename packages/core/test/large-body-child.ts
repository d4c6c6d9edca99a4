/**
 * Reads one answer by a metered or a raw `fetch`, and says how much memory that took at most.
 *
 *     node large-body-child.ts <url> <raw | metered> <body | text | json>
 */
import { framedMeter } from './framed.ts'

const [url = '', by, way] = process.argv.slice(2)
const { fetch: metered, records, meter } = framedMeter()
const response = await (by === 'metered' ? metered : fetch)(url)
let length = 0
if (way === 'json') length = Object.keys((await response.json()) as object).length
else if (way === 'text') length = (await response.text()).length
else for await (const piece of response.body!) length += piece.byteLength
await meter.close()
const megabytes = process.resourceUsage().maxRSS / 1024
console.log(JSON.stringify({ megabytes, length, tokens: records[0]?.tokens }))
