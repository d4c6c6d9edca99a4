import { createOpenAI } from '@ai-sdk/openai'
import { Anthropic } from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import { Mistral } from '@mistralai/mistralai'
import * as aiSdk from '@token-meter/ai-sdk'
import * as anthropic from '@token-meter/anthropic'
import * as cohere from '@token-meter/cohere'
import * as core from '@token-meter/core'
import * as google from '@token-meter/google'
import * as mistral from '@token-meter/mistral'
import * as openai from '@token-meter/openai'
import { generateText } from 'ai'
import { CohereClientV2 } from 'cohere-ai'
import { OpenAI } from 'openai'
import everyProvider from './every-provider.cjs'

const sdk = { OpenAI, Anthropic, GoogleGenAI, Mistral, CohereClientV2, createOpenAI, generateText }
await everyProvider({ core, openai, anthropic, google, mistral, cohere, aiSdk, sdk })
