import { meter } from '@token-meter/openai'
import { ask } from '../../ask.js'

export const runtime = 'edge'

export const GET = () => ask(meter, 'cus_edge', false)
