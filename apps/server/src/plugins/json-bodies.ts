import { isUtf8 } from 'node:buffer'
import { promisify } from 'node:util'
import { gunzip, zstdDecompress } from 'node:zlib'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Refusal } from '../errors.ts'

const decoders: Readonly<
  Record<string, (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>
> = { gzip: promisify(gunzip), 'x-gzip': promisify(gunzip), zstd: promisify(zstdDecompress) }

/**
 * JSON is the only body there is; it may be encoded, and its route bounds it before and after. Nothing is repaired.
 * `arrived` is told of each body before it is parsed, by its decoded length, and may refuse it.
 */
export function readJsonBodies(
  app: FastifyInstance,
  arrived: (request: FastifyRequest, length: number) => Promise<void>,
): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => {
      const encoding = request.headers['content-encoding']?.trim().toLowerCase()
      const decoded =
        encoding === undefined || encoding === 'identity'
          ? body
          : await decode(encoding, body, request.routeOptions.bodyLimit)
      await arrived(request, decoded.length)
      return parse(decoded)
    },
  )
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

/** An empty body is none: the route says whether it needs one. */
function parse(body: Buffer): unknown {
  if (body.length === 0) return undefined
  if (!isUtf8(body)) throw new Refusal('json_invalid', 'The body is not UTF-8.')
  const text = body.toString()
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    if (/[:[,]\s*-?(NaN|Infinity)\b/i.test(text)) {
      throw new Refusal(
        'json_invalid',
        'JSON has no NaN and no Infinity: send the strings "NaN", "Infinity" and "-Infinity".',
      )
    }
    throw new Refusal('json_invalid', `The body is not JSON: ${(error as Error).message}.`)
  }
}
