import { request as http } from 'node:http'
import { request as https } from 'node:https'
import { isIPv6 } from 'node:net'
import type { Command } from 'commander'
import { ConfigError, readConfig } from '../../config.ts'
import type { Config } from '../../settings.ts'
import { Failure } from '../failures.ts'
import { example } from '../help.ts'

export function addTo(program: Command): void {
  program
    .command('health')
    .description('exit code 0 when the server of this environment answers on this machine, else 1')
    .addHelpText('after', example('normwatch health'))
    .action(async () => {
      process.exitCode = (await answers(settings())) ? 0 : 1
    })
}

function settings(): Config {
  try {
    return readConfig([], process.env) as Config
  } catch (error) {
    if (error instanceof ConfigError) throw new Failure(error.message)
    throw error
  }
}

function answers({ host, port, socket, tlsCert }: Config): Promise<boolean> {
  const anywhere = host === '0.0.0.0' || host === '::'
  const where = socket === undefined ? {} : { socketPath: socket }
  const options = { host: anywhere ? 'localhost' : host, port, ...where, path: '/healthz', timeout: 4_000 }
  // It connects to itself: the certificate may name another host.
  const ask = tlsCert === undefined ? http(options) : https({ ...options, rejectUnauthorized: false })
  ask.setHeader('host', isIPv6(host) ? `[${host}]:${port}` : `${options.host}:${port}`)
  return new Promise((resolve) => {
    ask.once('response', (reply) => {
      reply.resume()
      resolve(reply.statusCode === 200)
    })
    ask.once('timeout', () => ask.destroy(new Error('no answer in time')))
    ask.once('error', ({ message }) => {
      console.error(message)
      resolve(false)
    })
    ask.end()
  })
}
