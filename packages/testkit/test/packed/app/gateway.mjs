import * as core from '@token-meter/core'
import * as gateway from '@token-meter/gateway'
import * as openai from '@token-meter/openai'
import OpenAI from 'openai'
import run from './gateway-run.cjs'

console.log(JSON.stringify(await run({ ...core, ...gateway, ...openai, OpenAI })))
