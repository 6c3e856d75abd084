import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Budget } from './budget.ts'

/** Unanswered requests that one connection may have: normal clients send one after the other. */
const MAX_PIPELINED = 16
/** Milliseconds for which an address that sent more is cut off: refusing each request would cost too much. */
const CUT_OFF_MS = 30_000
/** Milliseconds for which a connection of such an address is kept unread before it is closed: it would connect again at once. */
const KEPT_UNREAD_MS = 1_000
/** Share of the connections an address may have open that it may open each second, when it has opened so many at once. */
const REFILL_RATIO = 1 / 4
/** Addresses that are remembered. */
const MAX_ADDRESSES = 10_000

interface Address {
  readonly sockets: Set<Socket>
  cutOffUntil: number
}

/**
 * The connections of each address. One that opens them faster than it may, or has twice as many open, or sends without
 * waiting for answers, has its connections closed without an answer.
 */
export class Connections {
  readonly #max: number
  readonly #now: () => number
  readonly #addresses = new Map<string, Address>()
  /** How many each may open: as many at once as it may have open, then at a steady rate. */
  readonly #connectBudget: Budget
  readonly #waiting = new WeakMap<Socket, number>()
  /** Addresses of trusted proxies. */
  readonly #proxies = new Set<string>()
  #isEnforced = false

  constructor(app: FastifyInstance, max: number, now: () => number) {
    this.#max = max
    // The last fraction still opens one more.
    this.#connectBudget = new Budget(max * REFILL_RATIO, (1 - 1 / max) / REFILL_RATIO)
    this.#now = now
    // As soon as a connection arrives, before HTTP or TLS.
    const serve = app.server.listeners('connection')
    app.server.removeAllListeners('connection')
    app.server.on('connection', (socket: Socket) => {
      if (this.#admits(socket)) for (const listener of serve) listener.call(app.server, socket)
    })
  }

  /** Whether the request's address has more connections open than it may. From the first call on they are cut, too. */
  hasTooMany(request: FastifyRequest): boolean {
    const { remoteAddress = '' } = request.socket
    this.#isEnforced = true
    // A trusted proxy's connections are those of all its clients.
    if (request.ip !== remoteAddress) this.#proxies.add(remoteAddress)
    return !this.#proxies.has(remoteAddress) && this.#of(remoteAddress).sockets.size > this.#max
  }

  /** Whether the request may be answered: not if its connection has far too many unanswered requests. */
  admitsRequest({ socket }: FastifyRequest, reply: FastifyReply): boolean {
    const waiting = (this.#waiting.get(socket) ?? 0) + 1
    this.#waiting.set(socket, waiting)
    reply.raw.once('close', () => this.#waiting.set(socket, (this.#waiting.get(socket) ?? 1) - 1))
    if (waiting <= MAX_PIPELINED) return true
    socket.destroy()
    const { remoteAddress = '' } = socket
    if (this.#proxies.has(remoteAddress)) return false
    const address = this.#of(remoteAddress)
    address.cutOffUntil = this.#now() + CUT_OFF_MS
    for (const one of address.sockets) one.destroy()
    return false
  }

  /** Whether the connection is to be served; others are closed. */
  #admits(socket: Socket): boolean {
    const { remoteAddress = '' } = socket
    const address = this.#of(remoteAddress)
    const isLimited = this.#isEnforced && !this.#proxies.has(remoteAddress)
    const isCutOff = isLimited && this.#now() < address.cutOffUntil
    const isRefused = isCutOff
      ? address.sockets.size >= this.#max
      : isLimited && !this.#mayConnect(remoteAddress, address)
    if (isRefused) {
      socket.destroy()
      return false
    }
    address.sockets.add(socket)
    socket.once('close', () => address.sockets.delete(socket))
    if (!isCutOff) return true
    socket.on('error', () => undefined)
    setTimeout(() => socket.destroy(), KEPT_UNREAD_MS).unref()
    return false
  }

  #mayConnect(remoteAddress: string, { sockets }: Address): boolean {
    const now = this.#now()
    if (sockets.size >= 2 * this.#max) return false
    if (this.#connectBudget.wait(remoteAddress, now) > 0) return false
    this.#connectBudget.spend(remoteAddress, 1, now)
    return true
  }

  #of(remoteAddress: string): Address {
    const known = this.#addresses.get(remoteAddress)
    if (known !== undefined) return known
    const address: Address = { sockets: new Set(), cutOffUntil: 0 }
    this.#addresses.set(remoteAddress, address)
    if (this.#addresses.size > MAX_ADDRESSES) this.#forgetOne()
    return address
  }

  #forgetOne(): void {
    for (const [remoteAddress, { sockets }] of this.#addresses) {
      if (sockets.size === 0) return void this.#addresses.delete(remoteAddress)
    }
  }
}
