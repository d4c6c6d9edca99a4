import { GatewayRefusal } from '@token-meter/gateway'

/** What work was refused with. @throws where it was not. */
export async function refused(work: () => unknown): Promise<GatewayRefusal> {
  try {
    await work()
  } catch (error) {
    if (error instanceof GatewayRefusal) return error
    throw error
  }
  throw new Error('nothing was refused')
}
