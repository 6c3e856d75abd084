import { join } from 'node:path'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { describe, expect, it } from 'vitest'
import { layout } from '../layout.ts'
import { firstBreaking } from './additive.ts'

/** The migrations of PostgreSQL that were made before servers of two versions had to work side by side. */
const BEFORE_UPGRADES = 10

it('lets a rolling upgrade pass: every migration of PostgreSQL is additive', () => {
  const migrations = readMigrationFiles({ migrationsFolder: join(layout.migrations, 'postgres') })
  expect(migrations.length).toBeGreaterThanOrEqual(BEFORE_UPGRADES)
  const breaking = migrations.slice(BEFORE_UPGRADES).map(({ sql }) => firstBreaking(sql))
  expect(breaking.filter((statement) => statement !== undefined)).toEqual([])
})

describe('a migration', () => {
  it.each([
    ['alter table "runs" add column "owner" text collate "C";'],
    [
      'ALTER TABLE "runs" ADD COLUMN "at" bigint DEFAULT (extract(epoch from clock_timestamp()) * 1000)::bigint NOT NULL;',
    ],
    ['alter table runs add column price numeric(10, 2) not null default 0'],
    [
      'alter table tail set (toast_tuple_target = 8160);',
      'alter table runs alter column name set storage external',
    ],
    ['-- why\ncreate table "teams" ("id" text primary key not null);'],
    ['create index "runs_by_owner" on "runs" using btree ("project","id");'],
    ['create table teams (id text)', 'create unique index one on teams (id)', 'insert into teams values (1)'],
    ['create table "teams" ("id" text)', 'alter table "teams" add constraint "some" check (id > 0)'],
    ['alter table tail set (fillfactor = 60)', 'alter table tail alter column columns set storage external;'],
    [
      'create or replace function f(p text) returns boolean language plpgsql as $$\nbegin\n  return true;\nend\n$$;',
    ],
  ])('is additive: %s', (...statements) => {
    expect(firstBreaking(statements)).toBeUndefined()
  })

  it.each([
    'alter table runs drop column name',
    'alter table runs rename column name to title',
    'alter table runs rename to trainings',
    'alter table runs alter column points type integer',
    'alter table runs alter column name set not null',
    'alter table runs alter column name drop default',
    'alter table runs alter column name set storage external, drop column id',
    'alter table tail set (fillfactor = 60), drop column columns',
    'alter table tail set unlogged',
    'alter table runs add column owner text not null',
    'alter table runs add column owner text unique',
    'alter table runs add column owner text references people (id)',
    'alter table runs add column a text, drop column b',
    'alter table runs add column a numeric(1, 2), drop column b',
    'alter table runs add column a text; drop table tail',
    'alter table runs add constraint some check (points > 0)',
    'create table teams (id text); drop table runs;',
    'create unique index one on runs (name)',
    'create trigger t before insert on runs execute function refuse()',
    "create function f() returns void language sql as $$ select $$; drop table runs; select '$$ $$'",
    'drop table tail',
    'drop function append_batches',
    'drop index runs_by_owner',
    'update runs set points = 0',
    'delete from tail',
    'truncate tail',
    'insert into runs (id) values (1)',
    "do $$ begin execute 'drop table runs'; end $$",
  ])('is not: %s', (statement) => {
    expect(firstBreaking(['create table teams (id text)', statement])).toBeDefined()
  })
})
