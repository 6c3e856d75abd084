import type { LogClip } from '../format.ts'
import { parseLooseJson } from '../text/loose-json.ts'
import { clipOf } from './clip-kind.ts'
import { capInConfig } from './cap-in-config.ts'
import type { CapInText } from './cap-in-line.ts'
import { CapReader } from './cap-reader.ts'
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
export async function capBeside(read: ReadBeside): Promise<{ clip: LogClip; foundIn: string } | undefined> {
  for (const path of JSON_FILES) {
    const bytes = await read(path)
    const found = bytes && capInConfig(parseLooseJson(new TextDecoder().decode(bytes)))
    if (found !== undefined) return { clip: found.clip, foundIn: `${found.key} in ${path}` }
  }
  for (const path of YAML_FILES) {
    const bytes = await read(path)
    const found = bytes && capInYaml(new TextDecoder().decode(bytes))
    if (found !== undefined) return { clip: found.clip, foundIn: `${found.key} in ${path}` }
  }
  for (const path of ['training_args.bin', '../training_args.bin']) {
    const bytes = await read(path)
    const cap = bytes && pickledNumber(bytes, 'max_grad_norm')
    if (cap !== undefined) return { clip: clipOf(cap), foundIn: `max_grad_norm in ${path}` }
  }
  return undefined
}

/** The first cap in a YAML file, as what stands after it tells its kind. */
function capInYaml(yaml: string): CapInText | undefined {
  const reader = new CapReader()
  let cap: CapInText | undefined
  for (const line of settingLines(yaml)) {
    const found = /^\s*[\w'"-]+:/.test(line) ? reader.read(line) : undefined
    if (cap === undefined || cap.key === found?.key) cap = found ?? cap
  }
  return cap
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
