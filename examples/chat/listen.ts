import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { EnvironmentError } from './customers.ts'

/**
 * Starts to listen, and returns the url. Only this machine can reach it: anybody can sign in as
 * anybody here.
 * @throws EnvironmentError when the port is taken, or none.
 */
export async function listen(server: Server, port = '3000'): Promise<string> {
  try {
    server.listen(Number(port), '127.0.0.1')
    await once(server, 'listening')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ERR_SOCKET_BAD_PORT') {
      throw new EnvironmentError(`PORT must be a number from 0 to 65535; it is "${port}".`)
    }
    if (code === 'EADDRINUSE') {
      throw new EnvironmentError(
        `Port ${port} is taken, perhaps by another chat. Set PORT to another one.`,
      )
    }
    throw error
  }
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
