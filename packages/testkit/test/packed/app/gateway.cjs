'use strict'
const core = require('@token-meter/core')
const gateway = require('@token-meter/gateway')
const openai = require('@token-meter/openai')
const OpenAI = require('openai')
const run = require('./gateway-run.cjs')

run({ ...core, ...gateway, ...openai, OpenAI }).then((said) => console.log(JSON.stringify(said)))
