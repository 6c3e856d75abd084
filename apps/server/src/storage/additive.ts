/**
 * Whether a migration is additive: servers that were written before it go on over its tables, as a rolling upgrade needs. Gives the
 * first statement that is not known to be, or `undefined`.
 *
 * Additive are new tables, and everything that is done to them; new indexes that refuse nothing; new columns that the rows of
 * older servers may lack; functions, new or replaced with the parameters and the result that they had; and how rows are laid out
 * on disk.
 */
export function firstBreaking(statements: readonly string[]): string | undefined {
  const own = new Set<string>()
  return statements.map(withoutComments).find((statement) => {
    const created = /^create table (?:if not exists )?(\S+)/i.exec(statement)
    if (created?.[1] !== undefined) own.add(bare(created[1]))
    return !isAdditive(statement, own)
  })
}

const TO_A_TABLE =
  /^(?:create (?:unique )?index (?:if not exists )?\S+ on|alter table(?: only)?|insert into) (\S+)/i

function isAdditive(statement: string, own: ReadonlySet<string>): boolean {
  if (/^create (?:or replace )?function [^;]* as (\$\w*\$)(?:(?!\1).)*\1[^;]*;?$/i.test(statement))
    return true
  // more than one statement, of which only the first would be looked at
  if (/;./.test(statement)) return false
  if (/^create (?:table|index) /i.test(statement)) return true
  // how rows are laid out on disk
  if (/^alter table \S+ (?:alter column \S+ set storage \w+|set \([^()]*\));?$/i.test(statement)) return true
  const table = TO_A_TABLE.exec(statement)?.[1]
  if (table !== undefined && own.has(bare(table))) return true
  const column =
    /^alter table \S+ add column (?:if not exists )?\S+ ([^,]*(?:\([^()]*(?:\([^()]*\)[^()]*)*\)[^,]*)*)$/i.exec(
      statement,
    )?.[1]
  if (column === undefined || /\b(?:unique|references|check|primary key|generated)\b/i.test(column))
    return false
  return !/\bnot null\b/i.test(column) || /\bdefault\b/i.test(column)
}

const withoutComments = (sql: string): string =>
  sql
    .replaceAll(/^\s*--.*$/gm, '')
    .replaceAll(/\s+/g, ' ')
    .trim()

const bare = (name: string): string => name.replaceAll(/"|\(.*$/g, '').toLowerCase()
