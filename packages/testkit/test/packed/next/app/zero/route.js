// oxlint-disable-next-line import/no-unassigned-import -- it registers the sink
import '@token-meter/lago/register'
import { meter } from '@token-meter/openai'
import { ask, client } from '../../ask.js'

export const dynamic = 'force-dynamic'
// As an application has it, at the top of a module.
export const openai = meter(client, 'cus_zero')

export const GET = () => ask(meter, 'cus_zero', false)
