import { OpenMeter } from '@openmeter/sdk'
import type { IngestClient } from './ingest-client.ts'

/**
 * A client of our own that posts to the endpoint. The SDK knows only the path of OpenMeter's v1, so
 * the address is put in where the request is made.
 */
export function createOwnClient(endpoint: string, apiKey: string | undefined): IngestClient {
  class IngestRequest extends Request {
    constructor(_path: RequestInfo | URL, init?: RequestInit) {
      // A redirected POST can arrive as a GET, which lists events and looks like success.
      super(endpoint, { ...init, redirect: 'manual' })
    }
  }
  return new OpenMeter({
    baseUrl: new URL(endpoint).origin,
    ...(apiKey === undefined ? {} : { apiKey }),
    Request: IngestRequest,
  })
}
