/** An application with nothing but its environment; run by `runZeroConfig`. */
import { zeroConfigMeter } from '@token-meter/core/adapter'

const meter = zeroConfigMeter({
  name: 'none',
  clientDescription: 'none',
  recognises: (client: object): client is object => client === undefined,
  observe: <Client extends object>(client: Client) => client,
})
try {
  const tokens = { input: 3, output: 2 }
  await meter.record({ customer: 'cus_1', provider: 'openai', model: 'gpt-5.4', tokens })
  // What is told of usage that waits is told at once; what can be delivered takes no second.
  const { sinks } = await meter.flush({ timeoutMs: Number(process.env['FLUSH_MS'] ?? 5000) })
  await meter.close()
  console.log(JSON.stringify(sinks))
} catch (error) {
  console.log(String(error))
  await meter.close({ timeoutMs: 0 }).catch(() => {})
}
