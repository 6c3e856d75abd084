import type { ErrorReply } from '@normwatch/protocol'

/** A failed request; `message` is readable. `status` is 0 without an answer. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure'
  readonly status: number
  readonly code: string
  readonly details: ErrorReply['error']['details']

  constructor(status: number, code: string, message: string, details: ErrorReply['error']['details'] = []) {
    super(message)
    this.status = status
    this.code = code
    this.details = details
  }

  get notFound(): boolean {
    return this.status === 404
  }
}

/** The failure that a refusing response carries; a body that is not the API's own still gets a sentence. */
export async function failureOf(response: Response): Promise<ApiFailure> {
  const { status } = response
  const body: unknown = await response.json().catch(() => null)
  if (!isErrorReply(body)) {
    return new ApiFailure(
      status,
      'unreadable',
      `The server answered with status ${status} and no explanation.`,
    )
  }
  const { code, message, details } = body.error
  return new ApiFailure(status, code, message, Array.isArray(details) ? details : [])
}

/** A readable message for anything that was thrown. */
export function sentenceOf(error: unknown): string {
  if (error instanceof ApiFailure) {
    const [first] = error.details
    return first === undefined ? error.message : `${error.message} (${first.path}: ${first.message})`
  }
  return error instanceof Error ? error.message : String(error)
}

function isErrorReply(body: unknown): body is ErrorReply {
  if (typeof body !== 'object' || body === null || !('error' in body)) return false
  const { error } = body
  return typeof error === 'object' && error !== null && 'code' in error && 'message' in error
}
