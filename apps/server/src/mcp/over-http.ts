import { createMcpHandler } from '@modelcontextprotocol/server'
import { makeMcpServer } from './mcp-server.ts'
import type { Ask } from './tools/tool.ts'

/**
 * Answers one request of the streamable HTTP transport, without a session: every request stands for itself, and streams
 * without end are refused. `body` is the request's, as JSON; `signal` tells that the client is gone.
 */
export async function answerOverHttp(
  ask: Ask,
  { method, headers, body, signal }: { method: string; headers: Headers; body: unknown; signal: AbortSignal },
): Promise<Response> {
  const handler = createMcpHandler(() => makeMcpServer(ask), {
    maxSubscriptions: 0,
    keepAliveMs: 0,
  })
  const text = method === 'POST' ? { body: JSON.stringify(body ?? null) } : {}
  // the address does not matter: the caller was authenticated before
  const request = new Request('http://localhost/mcp', { method, headers, signal, ...text })
  return handler.fetch(request, { parsedBody: body })
}
