import { connect, type Socket } from 'node:net'

/** A minimal HTTP client: one keep-alive connection that sends a request and waits for its answer. */
export class KeepAliveClient {
  readonly #socket: Socket
  readonly #host: string
  #received = ''
  #answered: ((status: number) => void) | undefined
  #failed: ((error: Error) => void) | undefined

  private constructor(socket: Socket, host: string) {
    this.#socket = socket
    this.#host = host
    socket.setNoDelay(true).setEncoding('latin1')
    socket.on('data', (chunk) => this.#take(chunk as unknown as string))
    socket.on('error', () => undefined)
    socket.on('close', () => this.#failed?.(new Error('the server closed the connection')))
  }

  static async open(port: number): Promise<KeepAliveClient> {
    const socket = connect(port, '127.0.0.1')
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    return new KeepAliveClient(socket, `127.0.0.1:${port}`)
  }

  /** The server has closed the connection, as it does after some quiet seconds. */
  get isClosed(): boolean {
    return this.#socket.destroyed
  }

  /** Resolves with the status of the answer. Rejects when the connection is closed instead. */
  send(method: string, path: string, body: string): Promise<number> {
    this.#socket.write(
      `${method} ${path} HTTP/1.1\r\nhost: ${this.#host}\r\ncontent-type: application/json\r\n` +
        `content-length: ${body.length}\r\n\r\n${body}`,
      'latin1',
    )
    return new Promise((resolve, reject) => {
      this.#answered = resolve
      this.#failed = reject
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(chunk: string): void {
    this.#received += chunk
    const end = this.#received.indexOf('\r\n\r\n')
    if (end < 0) return
    const length = Number(/content-length: (\d+)/i.exec(this.#received)?.[1] ?? 0)
    if (this.#received.length < end + 4 + length) return
    const status = Number(this.#received.slice(9, 12))
    this.#received = ''
    this.#answered?.(status)
  }
}
