'use strict'
const core = require('@token-meter/core')
const openai = require('@token-meter/openai')
const anthropic = require('@token-meter/anthropic')
const google = require('@token-meter/google')
const mistral = require('@token-meter/mistral')
const cohere = require('@token-meter/cohere')
const bedrock = require('@token-meter/bedrock')
const ollama = require('@token-meter/ollama')
const aiSdk = require('@token-meter/ai-sdk')
const { OpenAI } = require('openai')
const { Anthropic } = require('@anthropic-ai/sdk')
const { GoogleGenAI } = require('@google/genai')
const { Mistral } = require('@mistralai/mistralai')
const { CohereClientV2 } = require('cohere-ai')
const { Ollama } = require('ollama')
const { BedrockRuntimeClient, ConverseCommand } = require('@aws-sdk/client-bedrock-runtime')
const { NodeHttpHandler } = require('@smithy/node-http-handler')
const { createOpenAI } = require('@ai-sdk/openai')
const { generateText } = require('ai')
const everyProvider = require('./every-provider.cjs')

const aws = { BedrockRuntimeClient, ConverseCommand, NodeHttpHandler }
const vendors = { OpenAI, Anthropic, GoogleGenAI, Mistral, CohereClientV2, Ollama }
const sdk = { ...vendors, ...aws, createOpenAI, generateText }
everyProvider({ core, openai, anthropic, google, mistral, cohere, bedrock, ollama, aiSdk, sdk })
