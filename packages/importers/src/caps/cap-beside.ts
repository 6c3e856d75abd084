import type { Clip } from '@normwatch/protocol'
import { parseLooseJson } from '../text/loose-json.ts'
import { clipOf } from '../text/console.ts'
import { capIn, capInConfig } from './cap-in-line.ts'
import { pickledNumber } from './pickled-number.ts'

/** The beginning of a file beside the log, or `undefined` if it does not exist. */
export type ReadBeside = (path: string) => Promise<Uint8Array | undefined>

const JSON_FILES = [
  'args.json',
  'training_args.json',
  'config.json',
  'params.json',
  '../args.json',
  '../params.json',
]
const YAML_FILES = [
  '.hydra/config.yaml',
  '../.hydra/config.yaml',
  'hparams.yaml',
  'config.yaml',
  'args.yaml',
  'params.yaml',
  'files/config.yaml',
]

/** A cap that a configuration beside a log says, and where. */
export async function capBeside(read: ReadBeside): Promise<{ clip: Clip; foundIn: string } | undefined> {
  for (const path of JSON_FILES) {
    const bytes = await read(path)
    const found = bytes && capInConfig(parseLooseJson(new TextDecoder().decode(bytes)))
    if (found !== undefined) return { clip: found.clip, foundIn: `${found.key} in ${path}` }
  }
  for (const path of YAML_FILES) {
    const bytes = await read(path)
    if (bytes === undefined) continue
    for (const line of settingLines(new TextDecoder().decode(bytes))) {
      const found = /^\s*[\w'"-]+:/.test(line) ? capIn(line) : undefined
      if (found !== undefined) return { clip: found.clip, foundIn: `${found.key} in ${path}` }
    }
  }
  for (const path of ['training_args.bin', '../training_args.bin']) {
    const bytes = await read(path)
    const cap = bytes && pickledNumber(bytes, 'max_grad_norm')
    if (cap !== undefined) return { clip: clipOf(cap), foundIn: `max_grad_norm in ${path}` }
  }
  return undefined
}

/** The lines of a YAML file; a setting that W&B or SwanLab wrote with its `value` below it is on one line. */
function settingLines(yaml: string): string[] {
  let open = ''
  return yaml.split('\n').map((line) => {
    open = /^([\w-]+):\s*$/.exec(line)?.[1] ?? (/^\S/.test(line) ? '' : open)
    const value = open === '' ? undefined : /^\s+value:(.*)$/.exec(line)?.[1]
    return value === undefined ? line : `${open}:${value}`
  })
}
