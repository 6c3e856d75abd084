import { ApiFailure, failureOf } from '#lib/api/failure.ts'

/** Asks the API. Each call rejects with `ApiFailure`, or with an `AbortError` when its signal fired. */
export type Caller = ReturnType<typeof createCaller>

/** `root` is the address the API's paths start from, such as `/api/v1`. */
export function createCaller(root: string, fetch: typeof globalThis.fetch) {
  async function ask(path: string, init: RequestInit): Promise<Response> {
    const response = await fetch(root + path, init).catch((error: unknown) => {
      if (init.signal?.aborted) throw error
      throw new ApiFailure(0, 'no_answer', 'The server does not answer.')
    })
    if (!response.ok) throw await failureOf(response)
    return response
  }
  return {
    async call<Reply>(path: string, init: RequestInit = {}): Promise<Reply> {
      const response = await ask(path, init)
      return (response.status === 204 ? undefined : await response.json()) as Reply
    },
    text: async (path: string): Promise<string> => (await ask(path, {})).text(),
  }
}

export function withBody(method: 'PATCH' | 'POST' | 'PUT', body: unknown): RequestInit {
  return { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
