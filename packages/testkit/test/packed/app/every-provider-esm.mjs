import { createOpenAI } from '@ai-sdk/openai'
import { Anthropic } from '@anthropic-ai/sdk'
import { BedrockRuntimeClient, ConverseCommand } from '@aws-sdk/client-bedrock-runtime'
import { GoogleGenAI } from '@google/genai'
import { Mistral } from '@mistralai/mistralai'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import * as aiSdk from '@token-meter/ai-sdk'
import * as anthropic from '@token-meter/anthropic'
import * as bedrock from '@token-meter/bedrock'
import * as cohere from '@token-meter/cohere'
import * as core from '@token-meter/core'
import * as google from '@token-meter/google'
import * as mistral from '@token-meter/mistral'
import * as ollama from '@token-meter/ollama'
import * as openai from '@token-meter/openai'
import { generateText } from 'ai'
import { CohereClientV2 } from 'cohere-ai'
import { Ollama } from 'ollama'
import { OpenAI } from 'openai'
import everyProvider from './every-provider.cjs'

const aws = { BedrockRuntimeClient, ConverseCommand, NodeHttpHandler }
const vendors = { OpenAI, Anthropic, GoogleGenAI, Mistral, CohereClientV2, Ollama }
const sdk = { ...vendors, ...aws, createOpenAI, generateText }
await everyProvider({
  core,
  openai,
  anthropic,
  google,
  mistral,
  cohere,
  bedrock,
  ollama,
  aiSdk,
  sdk,
})
