/**
 * What a page leaves to its reader's application: names that its blocks use without saying where they
 * come from. A block that declares or imports a name of its own has that one. What comes from a
 * package, ours too, is imported by the page.
 */
import type { LanguageModelMiddleware } from 'ai'
import type Anthropic from '@anthropic-ai/sdk'
import type { Outbox, Provider, Sink, UsageRecord } from '@token-meter/core'
import type { PriceTable, ModelPrice } from '@token-meter/core/cost'
import type { Hono } from 'hono'
import type { MetricReader } from '@opentelemetry/sdk-metrics'
import type { Server } from 'node:http'
import type OpenAI from 'openai'
import type { ClientBase, Pool } from 'pg'

declare global {
  // Keys and settings.
  const apiKey: string
  const adminKey: string
  const bearerToken: string
  const webhookSecret: string
  const apiVersion: string

  // Who pays, and what for.
  const customerId: string
  const recordId: string
  const ids: readonly string[]
  const from: Date
  const to: Date
  const subscriptionOf: ReadonlyMap<string, string>
  const contracts: ReadonlyMap<string, { readonly price: ModelPrice }>
  function customerOf(batchLine: string): string | undefined
  function tenantOf(request: Request): Promise<string>

  // A meter's parts.
  const providers: readonly Provider[]
  const outbox: Outbox
  const sinks: readonly Sink[]
  const prices: PriceTable
  const readers: MetricReader[]
  function insert(records: readonly UsageRecord[]): Promise<void>

  // The application itself.
  const app: Hono<{ Variables: { readonly tenant: { readonly stripeCustomer: string } } }>
  const server: Server
  const pool: Pool
  const ownersPool: Pool
  const client: ClientBase
  const answer: { readonly id: string; readonly text: string }
  const model: string
  const messages: OpenAI.ChatCompletionMessageParam[]
  const params: Anthropic.MessageCreateParamsNonStreaming
  const cache: LanguageModelMiddleware
  function waitUntil(promise: Promise<unknown>): void

  /** Of a Cloudflare Worker. */
  interface ExecutionContext {
    waitUntil(promise: Promise<unknown>): void
  }
}
