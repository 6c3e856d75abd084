import type { FastifyRequest } from 'fastify'
import type { Access } from '../access/access.ts'

/** The address of this server as the browser reaches it, without a slash at its end. */
export function addressOf(
  { protocol, host }: Pick<FastifyRequest, 'protocol' | 'host'>,
  { publicUrl, basePath }: Pick<Access, 'publicUrl' | 'basePath'>,
): string {
  return publicUrl ?? `${protocol}://${host}${basePath}`
}
