import { LiveSender, readLive, type ImportOptions, type Outcome, type RunSender } from '@normwatch/importers'

/** Reads what is piped in and sends it as it comes; `passOn` writes it to the standard output too. */
export async function followStdin(
  sender: RunSender,
  options: ImportOptions,
  passOn: boolean,
): Promise<Outcome[]> {
  const live = new LiveSender(sender)
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of process.stdin) {
      if (passOn) process.stdout.write(chunk as Uint8Array)
      yield chunk as Uint8Array
    }
  }
  // each pipe is a training of its own
  const identity = `stdin ${new Date().toISOString()} ${process.pid}`
  await readLive(chunks(), 'stdin', identity, options, (run) => live.send(run))
  return Promise.all(
    [...live.runs.values()].map(async (run) => {
      const state = await sender.finish(run.id)
      return { run, path: '-', added: state.points, state }
    }),
  )
}
