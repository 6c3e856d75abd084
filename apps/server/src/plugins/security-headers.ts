import type { FastifyInstance } from 'fastify'

/**
 * Headers of every reply. Pages load what this service serves and nothing else; `inlineScripts` are the hashes of the
 * scripts that stand in the dashboard's own page.
 */
export function sendSecurityHeaders(app: FastifyInstance, inlineScripts: readonly string[]): void {
  const headers = {
    'content-security-policy': contentSecurityPolicy(inlineScripts),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
  }
  app.addHook('onRequest', async (_request, reply) => void reply.headers(headers))
}

function contentSecurityPolicy(inlineScripts: readonly string[]): string {
  return [
    `default-src 'none'`,
    ["script-src 'self'", ...inlineScripts.map((hash) => `'${hash}'`)].join(' '),
    `style-src 'self'`,
    `img-src 'self' data:`,
    `font-src 'self'`,
    `connect-src 'self'`,
    `manifest-src 'self'`,
    `base-uri 'none'`,
    `form-action 'self'`,
    `frame-ancestors 'none'`,
  ].join('; ')
}
