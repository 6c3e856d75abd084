import { NewTokenSchema, SCOPES, type NewToken, type Token } from '@normwatch/protocol'
import { newTokenSecret } from '../access/identity/secret.ts'
import { newToken, shownToken } from '../access/identity/tokens.ts'
import { compileSchema } from '../plugins/compile-schema.ts'
import { openTokensFile } from '../storage/sqlite/tokens/tokens-file.ts'
import { readDays } from './days.ts'
import { configWith, readOptions } from './options.ts'
import { UsageError } from './usage-error.ts'

const newTokens = compileSchema(NewTokenSchema)

/** `token create|list|revoke|new-secret`, beside a running server or without one. Resolves with the exit code. */
export async function tokenCommand([action, ...args]: readonly string[]): Promise<number> {
  switch (action) {
    case 'create':
      return create(args)
    case 'list':
      return list(args)
    case 'revoke':
      return revoke(args)
    case 'new-secret':
      console.log(newTokenSecret())
      return 0
    default:
      throw new UsageError('Say token create, token list, token revoke or token new-secret.')
  }
}

async function create(args: readonly string[]): Promise<number> {
  const { options } = readOptions(args, ['name', 'scope', 'project', 'expires'])
  const { name, scope, project, expires, data } = options
  const fields = {
    name,
    scope,
    project,
    expires_in_days: expires === undefined ? undefined : readDays(expires),
  }
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
  if (!newTokens(given))
    throw new UsageError(
      `--name NAME and --scope ${SCOPES.join('|')} are needed, --project may have no slash.`,
    )
  const { token, secret } = newToken(given as NewToken, Date.now())
  const file = await openTokensFile(configWith(data).data)
  try {
    await file.tokens.create(token)
  } finally {
    await file.close()
  }
  console.error(`Token ${token.id}, shown this once. From now on the server asks everybody for a token.`)
  console.log(secret)
  return 0
}

async function list(args: readonly string[]): Promise<number> {
  const { options } = readOptions(args, [])
  const file = await openTokensFile(configWith(options['data']).data)
  try {
    const now = Date.now()
    const rows = (await file.tokens.list())
      .map(shownToken)
      .map((token) => [
        token.id,
        token.name,
        token.scope,
        token.project ?? '(all)',
        state(token, now),
        `used ${token.last_used_at ?? 'never'}`,
      ])
    const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => (row[i] as string).length))) ?? []
    for (const row of rows)
      console.log(
        row
          .map((cell, i) => cell.padEnd(widths[i] as number))
          .join('  ')
          .trimEnd(),
      )
    if (rows.length === 0) console.error('No token was made yet.')
  } finally {
    await file.close()
  }
  return 0
}

async function revoke(args: readonly string[]): Promise<number> {
  const { options, rest } = readOptions(args, [])
  const [id] = rest
  if (id === undefined) throw new UsageError('Name the token: "token list" shows the ids.')
  const file = await openTokensFile(configWith(options['data']).data)
  try {
    const { name } = await file.tokens.revoke(id, Date.now())
    console.log(`Token ${id} (${name}) is revoked; its sessions and sockets end within seconds.`)
  } finally {
    await file.close()
  }
  return 0
}

function state({ revoked_at, expires_at }: Token, now: number): string {
  if (revoked_at !== null) return `revoked ${revoked_at}`
  if (expires_at === null) return 'valid'
  return Date.parse(expires_at) <= now ? `expired ${expires_at}` : `until ${expires_at}`
}
