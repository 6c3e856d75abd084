import { NewTokenSchema, SCOPES, type NewToken, type Token } from '@normwatch/protocol'
import type { Command } from 'commander'
import { newTokenSecret } from '../../access/identity/secret.ts'
import { isTokenAddress, newToken, shownToken } from '../../access/identity/tokens.ts'
import { compileSchema } from '../../plugins/compile-schema.ts'
import type { Config } from '../../settings.ts'
import { DATA_OPTION, openTokens, recordHere, withDataFolder } from '../data-folder.ts'
import { readDays } from '../days.ts'
import { UsageError } from '../failures.ts'
import { example } from '../help.ts'
import { inColumns } from '../table.ts'

const newTokens = compileSchema(NewTokenSchema)

interface NewTokenOptions {
  readonly name?: string
  readonly scope?: string
  readonly project?: readonly string[]
  readonly from?: readonly string[]
  readonly expires?: string
  readonly data?: string
}

export function addTo(program: Command): void {
  const token = program.command('token').description('makes, lists and revokes access tokens')
  token
    .command('create')
    .description('makes a token and prints its secret, this once')
    .option('--name <name>', 'what people call it')
    .option('--scope <scope>', SCOPES.join(', '))
    .option(
      '--project <project>',
      'only this project, or those of a pattern such as "vision-*"; may be given again (default: all)',
      (project: string, before: readonly string[] | undefined) => [...(before ?? []), project],
    )
    .option('--from <addresses...>', 'only from these IP addresses and CIDR ranges (default: everywhere)')
    .option('--expires <duration>', 'such as 12h, 90d, 4w or 1y (default: never)')
    .option(...DATA_OPTION)
    .addHelpText('after', example('normwatch token create --name ci --scope write --expires 90d'))
    .action((options: NewTokenOptions) => withDataFolder(options.data, (config) => create(config, options)))
  token
    .command('list')
    .description('lists the tokens, without their secrets')
    .option(...DATA_OPTION)
    .option('--json', 'one JSON document')
    .addHelpText('after', example('normwatch token list'))
    .action(({ data, json }: { data?: string; json?: true }) =>
      withDataFolder(data, (config) => list(config, json === true)),
    )
  token
    .command('revoke')
    .description('revokes a token: its sessions and sockets end within seconds')
    .argument('[id]', 'as "token list" shows it')
    .option(...DATA_OPTION)
    .addHelpText('after', example('normwatch token revoke tok_x'))
    .action((id: string | undefined, { data }: { data?: string }) =>
      withDataFolder(data, (config) => revoke(config, id)),
    )
  token
    .command('new-secret')
    .description('prints a secret for NORMWATCH_TOKEN; nothing is stored')
    .addHelpText('after', example('normwatch token new-secret'))
    .action(() => console.log(newTokenSecret()))
}

async function create(
  config: Config,
  { name, scope, project, from, expires }: NewTokenOptions,
): Promise<void> {
  const fields = {
    name,
    scope,
    projects: project,
    addresses: from,
    expires_in_days: expires === undefined ? undefined : readDays(expires),
  }
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
  if (!newTokens(given))
    throw new UsageError(
      `--name NAME and --scope ${SCOPES.join('|')} are needed, --project may have no slash, at most four * and each name once.`,
    )
  const wrong = from?.find((text) => !isTokenAddress(text))
  if (wrong !== undefined)
    throw new UsageError(`--from "${wrong}" is neither an IP address nor a CIDR range.`)
  const { token, secret } = newToken(given as NewToken, Date.now(), 'command line')
  const file = await openTokens(config)
  try {
    await file.tokens.create(token)
    await recordHere(file.audit, {
      action: 'token.create',
      target_kind: 'token',
      target: token.id,
      project: token.project,
      detail: `${token.name}, ${token.scope}`,
    })
  } finally {
    await file.close()
  }
  console.error(`Token ${token.id}, shown this once. From now on the server asks everybody for a token.`)
  console.log(secret)
}

async function list(config: Config, asJson: boolean): Promise<void> {
  const file = await openTokens(config)
  try {
    const now = Date.now()
    const tokens = (await file.tokens.list()).map(shownToken)
    if (asJson) return console.log(JSON.stringify({ tokens }))
    const rows = tokens.map((token) => [
      token.id,
      token.name,
      token.scope,
      token.projects?.join(' ') ?? '(all)',
      token.addresses?.join(' ') ?? '(everywhere)',
      state(token, now),
      `used ${token.last_used_at ?? 'never'}`,
    ])
    for (const line of inColumns(rows)) console.log(line)
    if (rows.length === 0) console.error('No token was made yet.')
  } finally {
    await file.close()
  }
}

async function revoke(config: Config, id: string | undefined): Promise<void> {
  if (id === undefined) throw new UsageError('Name the token: "token list" shows the ids.')
  const file = await openTokens(config)
  try {
    const { name, project } = await file.tokens.revoke(id, Date.now())
    await recordHere(file.audit, {
      action: 'token.revoke',
      target_kind: 'token',
      target: id,
      project,
      detail: name,
    })
    console.log(`Token ${id} (${name}) is revoked; its sessions and sockets end within seconds.`)
  } finally {
    await file.close()
  }
}

function state({ revoked_at, expires_at }: Token, now: number): string {
  if (revoked_at !== null) return `revoked ${revoked_at}`
  if (expires_at === null) return 'valid'
  return Date.parse(expires_at) <= now ? `expired ${expires_at}` : `until ${expires_at}`
}
