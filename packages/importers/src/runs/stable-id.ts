import { MAX_RUN_ID_LENGTH } from '@normwatch/protocol'

/** An id that a run keeps whenever it is read again: readable, and told apart by a hash of what makes the run this one. */
export function stableId(name: string, identity: string): string {
  const hash = hashOf(identity)
  const readable = name
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, MAX_RUN_ID_LENGTH - hash.length - 1)
    .replace(/[-.]+$/, '')
  return readable === '' ? hash : `${readable}-${hash}`
}

/** A 64-bit FNV-1a hash over UTF-16 code units, in hexadecimal. */
export function hashOf(text: string): string {
  let hash = 0xcbf29ce484222325n
  for (let i = 0; i < text.length; i++)
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(i))) * 0x100000001b3n)
  return hash.toString(16).padStart(16, '0')
}
