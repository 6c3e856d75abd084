import { readFileSync } from 'node:fs'

/** A golden fixture of the protocol. See the README beside the fixtures. */
export function readFixture<T>(name: string): T {
  return JSON.parse(
    readFileSync(new URL(`../../protocol/fixtures/${name}.json`, import.meta.url), 'utf8'),
  ) as T
}
