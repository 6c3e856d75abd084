import type { FastifyInstance } from 'fastify'

const always = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
}

/**
 * Headers of every reply. Pages load what this service serves and nothing else; `inlineScripts` are the hashes of the
 * inline scripts of the dashboard's page. Replies of the API are not pages, and may load nothing.
 * `embed` are the origins whose pages may show this service's in a frame.
 */
export function sendSecurityHeaders(
  app: FastifyInstance,
  inlineScripts: readonly string[],
  embed: readonly string[],
): void {
  const ofData = { ...always, 'content-security-policy': "default-src 'none'; frame-ancestors 'none'" }
  const ofPages = {
    ...always,
    'content-security-policy': contentSecurityPolicy(inlineScripts, embed),
    'cross-origin-opener-policy': 'same-origin',
  }
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(request.url.startsWith('/api/') ? ofData : ofPages)
    done()
  })
}

function contentSecurityPolicy(inlineScripts: readonly string[], embed: readonly string[]): string {
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
    `frame-ancestors ${embed.length === 0 ? "'none'" : embed.join(' ')}`,
  ].join('; ')
}
