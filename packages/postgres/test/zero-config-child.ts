/** An application with a zero-config meter: keeps one record in the outbox of the environment. */
import { zeroConfigMeter } from '@token-meter/core/adapter'

const meter = zeroConfigMeter({
  name: 'none',
  clientDescription: 'none',
  recognises: (client: object): client is object => client === undefined,
  observe: <Client extends object>(client: Client) => client,
})

console.log(`outbox ${meter.outbox.description}`)
await meter.record({ customer: 'cus_1', provider: 'own', model: 'm', tokens: { input: 7 } })
const { recorded } = await meter.stats()
console.log(`recorded ${recorded}`)
