import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import ipaddr from 'ipaddr.js'
import { hasTokenForm } from './identity/secret.ts'

/** Value of a setting that switches it off. */
export const NONE = 'none'

/** Parsers of settings: each returns the value of a text, or throws a message that continues after the setting's name. */
export function readToken(text: string): string | undefined {
  if (text === NONE) return undefined
  // The text is not repeated: it may be a mistyped secret.
  if (!hasTokenForm(text)) {
    throw new Error(
      'is not a token: it must be "nw_" and 43 to 128 letters, digits, - or _, such as "normwatch token new-secret" prints.',
    )
  }
  return text
}

/** The proxies whose X-Forwarded headers are trusted; `undefined`: none. */
export function readProxies(text: string): readonly string[] | undefined {
  if (text === NONE) return undefined
  const proxies = text.split(',').map((part) => part.trim())
  for (const proxy of proxies) {
    const isKnown = ['loopback', 'linklocal', 'uniquelocal'].includes(proxy)
    if (!isKnown && !ipaddr.isValid(proxy) && !ipaddr.isValidCIDR(proxy)) {
      throw new Error(
        `names "${proxy}"; it must list addresses, networks such as 10.0.0.0/8, or loopback, linklocal, uniquelocal.`,
      )
    }
  }
  return proxies
}

/** Origins of other sites, each exactly as browsers name it. */
export function readOrigins(text: string): readonly string[] {
  if (text === NONE) return []
  return text.split(',').map((part) => {
    const origin = part.trim()
    // no wildcard, and no character that would end the value in a header
    const isPlain = /^https?:\/\/([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d+)?$/.test(origin)
    if (!isPlain || URL.parse(origin)?.origin !== origin) {
      throw new Error(
        `has "${origin}"; it must list origins such as https://lab.example or http://localhost:5173, or be none.`,
      )
    }
    return origin
  })
}

/** The base path behind a proxy, without a trailing slash: empty for `/`. */
export function readBasePath(text: string): string {
  if (text === '/') return ''
  if (!/^(\/[A-Za-z0-9._~-]+)+\/?$/.test(text) || text.split('/').includes('..')) {
    throw new Error(`is "${text}"; it must be a path such as /normwatch.`)
  }
  return text.replace(/\/$/, '')
}

/** Host names by which proxies reach a server that requires no token. */
export function readHosts(text: string): readonly string[] {
  if (text === NONE) return []
  return text.split(',').map((part) => {
    const host = part.trim().toLowerCase()
    if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/.test(host)) {
      throw new Error(`names "${host}"; it must list hosts such as hub.example or hub.example:8443.`)
    }
    return host
  })
}

/** The content of a PEM file. */
export function readPem(text: string): string | undefined {
  if (text === NONE) return undefined
  let content: string
  try {
    content = readFileSync(text, 'utf8')
  } catch (error) {
    throw new Error(`names "${text}", which cannot be read (${(error as NodeJS.ErrnoException).code}).`, {
      cause: error,
    })
  }
  if (!content.includes('-----BEGIN ')) throw new Error(`names "${text}", which is not a PEM file.`)
  return content
}

/** Throws a message that continues after the names of both settings if they do not work for TLS. */
export function checkPair(cert: string, key: string): void {
  try {
    createSecureContext({ cert, key })
  } catch (error) {
    const reason = (error as Error).message.split('::').at(-1)
    throw new Error(`are not a certificate and its key (${reason}).`, { cause: error })
  }
}

/** What a server that other machines can reach does while no token exists. */
export type FirstToken = 'print' | 'file' | 'refuse'

export function readFirstToken(text: string): FirstToken {
  if (text !== 'print' && text !== 'file' && text !== 'refuse') {
    throw new Error(`is "${text}"; it must be print, file or refuse.`)
  }
  return text
}

/** A limit: a whole number from 1. */
export function readBound(text: string): number {
  const bound = Number(text)
  if (!/^\d{1,12}$/.test(text) || bound < 1)
    throw new Error(`is "${text}"; it must be a whole number from 1.`)
  return bound
}
