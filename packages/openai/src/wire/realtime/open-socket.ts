import type { Unmetered } from '@token-meter/core/wire'
import type { SocketAccount, SocketReader } from './account.ts'
import { LiveReader } from './live-reader.ts'
import { RealtimeReader } from './realtime-reader.ts'
import { ResponsesReader } from './responses-reader.ts'

/**
 * What reads the events of a WebSocket, by its URL: of a realtime, a Live or a Responses connection.
 *
 * @param account who pays, asked for whatever begins.
 */
export function openSocket(url: URL, account: () => SocketAccount): SocketReader | Unmetered {
  const path = url.pathname.replace(/\/+$/, '')
  if (path.endsWith('/realtime/translations')) {
    return {
      unmetered: 'translation sessions work, but report no usage: record() their minutes',
    }
  }
  if (path.endsWith('/responses')) return new ResponsesReader(account)
  return path.includes('/live/sessions') ? new LiveReader(account) : new RealtimeReader(account)
}
