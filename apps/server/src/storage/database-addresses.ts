/**
 * The addresses of the servers that hold one database, each with user, database and parameters: those of
 * `postgres://user:password@a:5432,b:5432/name` are `postgres://user:password@a:5432/name` and `…@b:5432/name`.
 */
export function addressesOf(url: string): string[] {
  const [, start = '', hosts = '', end = ''] = /^(\w+:\/\/(?:[^/?]*@)?)([^/?]*)(.*)$/s.exec(url) ?? []
  return hosts.split(',').map((host) => `${start}${host}${end}`)
}
