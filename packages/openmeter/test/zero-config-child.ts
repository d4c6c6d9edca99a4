/** An application that says nothing of OpenMeter but by its environment. */
import { zeroConfigMeter } from '@token-meter/core/adapter'

const meter = zeroConfigMeter({
  name: 'none',
  clientDescription: 'none',
  recognises: (client: object): client is object => client === undefined,
  observe: <Client extends object>(client: Client) => client,
})
await meter.record({
  id: 'r0',
  customer: 'cus_1',
  provider: 'openai',
  model: 'gpt-5.4',
  tokens: { input: 3 },
})
const { sinks } = await meter.flush({ timeoutMs: 5000 })
await meter.close()
console.log(JSON.stringify(sinks))
