/** The well-behaved clients: trainings that send like the SDKs, and readers of a chart. */
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { batch } from './batch.ts'

const TRAININGS = 40
const READERS = 10
/** Milliseconds between two requests of one client. */
const EVERY = 500
const STEPS = 10

export class Others {
  readonly #url: string
  readonly #write: readonly string[]
  readonly #read: string
  readonly #agent = new Agent({ keepAlive: true })
  #step = 0

  /** The trainings share the tokens in `write`: several, since on a busy machine requests that were due come at once. */
  constructor(url: string, { write, read }: { readonly write: readonly string[]; readonly read: string }) {
    this.#url = url
    this.#write = write
    this.#read = read
  }

  async createRuns(): Promise<void> {
    for (let i = 0; i < TRAININGS; i++) await this.#send('PUT', `/runs/good-${i}`, this.#tokenOf(i), {})
  }

  /** Runs for `duration` ms and returns each request's wait in ms. Requests are sent when due, even if others still wait. */
  async waits(duration: number): Promise<number[]> {
    const waits: Promise<number>[] = []
    const client = async (i: number) => {
      const begin = performance.now() + ((i * 0.618) % 1) * EVERY
      for (let due = begin; due < begin + duration; due += EVERY) {
        await sleep(Math.max(0, due - performance.now()))
        const wait = i < TRAININGS ? this.#train(i) : this.#look(i - TRAININGS)
        // Failures are thrown after everything was sent, so that nothing is left running.
        wait.catch(() => undefined)
        waits.push(wait)
      }
    }
    await Promise.all(Array.from({ length: TRAININGS + READERS }, (_, i) => client(i)))
    return Promise.all(waits)
  }

  #train(i: number): Promise<number> {
    const body = batch((this.#step += STEPS), STEPS)
    return this.#send('POST', `/runs/good-${i}/points`, this.#tokenOf(i), body)
  }

  #tokenOf(i: number): string {
    return this.#write[i % this.#write.length] as string
  }

  #look(i: number): Promise<number> {
    return this.#send('GET', `/runs/good-${i}/series?metric=grad_norm`, this.#read)
  }

  #send(method: string, path: string, token: string, body?: object): Promise<number> {
    const text = body === undefined ? '' : JSON.stringify(body)
    const headers = {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': text.length }),
    }
    return new Promise((resolve, reject) => {
      const begin = performance.now()
      const sent = request(`${this.#url}/api/v1${path}`, { agent: this.#agent, method, headers }, (reply) => {
        const { statusCode = 0 } = reply
        if (statusCode >= 300) reject(new Error(`${method} ${path} was answered with ${statusCode}`))
        reply.resume().once('end', () => resolve(performance.now() - begin))
      })
      sent.once('error', reject)
      sent.end(text)
    })
  }
}
