/** Ways in which one client can abuse a shared server. See abuser.ts for each. */
export const KINDS = [
  'requests',
  'pipelined',
  'bad tokens',
  'full batches',
  'bodies of 8 MiB',
  'bodies that unpack to 8 MiB',
  'bodies over the limit',
  'slow bodies',
  'connections',
] as const
export type Kind = (typeof KINDS)[number]

export const isKind = (text: string): text is Kind => KINDS.includes(text as Kind)
