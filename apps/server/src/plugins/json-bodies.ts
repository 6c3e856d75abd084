import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { gunzip, zstdDecompress } from 'node:zlib'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Refusal } from '../errors.ts'
import { inSlices } from '../in-slices.ts'
import { refusingCostlyJson } from './json-cost.ts'
import { parsePieces, PieceFinder } from './json-pieces.ts'
import { withBody } from './read-body.ts'

const decoders: Readonly<
  Record<string, (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>
> = { gzip: promisify(gunzip), 'x-gzip': promisify(gunzip), zstd: promisify(zstdDecompress) }

declare module 'fastify' {
  interface FastifyRequest {
    /** The body's text, where it was short enough to be parsed at once. */
    bodyText?: string | undefined
  }
}

/** Decides whether and when a body is processed. */
export interface BodyGuard {
  /** Runs the work on an encoded body when its turn has come, or refuses it. */
  unpack<T>(request: FastifyRequest, work: () => Promise<T>): Promise<T>
  /** Called with the decoded length of each body before it is parsed; it may refuse it. */
  received(request: FastifyRequest, length: number): Promise<void>
}

/** Only JSON bodies are accepted; they may be compressed, and routes limit their length before and after. Nothing is repaired. */
export function readJsonBodies(app: FastifyInstance, guard: BodyGuard): void {
  app.removeAllContentTypeParsers()
  app.decorateRequest('bodyText')
  app.addContentTypeParser('application/json', async (request: FastifyRequest, payload: IncomingMessage) => {
    const announced = Number(request.headers['content-length'])
    const limit = request.routeOptions.bodyLimit
    return withBody(payload, announced, limit, (body) => {
      const read = async (plain: Buffer) => {
        await guard.received(request, plain.length)
        return parse(request, plain)
      }
      const encoding = encodingOf(request)
      if (encoding === undefined) return read(body)
      return guard.unpack(request, async () => read(await decode(encoding, body, limit)))
    })
  })
}

/** The content encoding of the body; `undefined` without one. */
export function encodingOf({ headers }: FastifyRequest): string | undefined {
  const encoding = headers['content-encoding']?.trim().toLowerCase()
  return encoding === 'identity' ? undefined : encoding
}

async function decode(encoding: string, body: Buffer, maxOutputLength: number): Promise<Buffer> {
  const decoder = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined
  if (decoder === undefined) throw new Refusal('encoding_unsupported')
  try {
    return await decoder(body, { maxOutputLength })
  } catch (error) {
    const isTooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    throw new Refusal(isTooLarge ? 'body_too_large' : 'encoding_invalid')
  }
}

/** An empty body counts as no body: the route's schema says whether it needs one. Others are served between the pieces of a long one. */
async function parse(request: FastifyRequest, body: Buffer): Promise<unknown> {
  if (body.length === 0) return undefined
  if (!isUtf8(body)) throw new Refusal('json_invalid', 'The body is not UTF-8.')
  const pieces = new PieceFinder()
  try {
    await inSlices(refusingCostlyJson(body, pieces))
    if (pieces.root !== undefined) return await inSlices(parsePieces(body, pieces.root))
    request.bodyText = body.toString()
    return JSON.parse(request.bodyText) as unknown
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    if (/[:[,]\s*-?(NaN|Infinity)\b/i.test(body.toString())) {
      throw new Refusal(
        'json_invalid',
        'JSON has no NaN and no Infinity: send the strings "NaN", "Infinity" and "-Infinity".',
      )
    }
    throw new Refusal('json_invalid', `The body is not JSON: ${error.message}.`)
  }
}
