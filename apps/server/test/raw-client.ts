import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** Opens a connection and says this; resolves with it and with all it hears until it ends. */
export async function say(url: string, text: string): Promise<{ socket: Socket; heard: Promise<string> }> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  let all = ''
  socket.on('data', (chunk) => (all += String(chunk)))
  socket.on('error', () => undefined)
  const heard = once(socket, 'close').then(() => all)
  socket.write(text)
  return { socket, heard }
}
