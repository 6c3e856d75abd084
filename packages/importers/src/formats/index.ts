import type { Format } from '../format.ts'
import { hfConsole } from './hf-console/hf-console.ts'
import { hfTrainerState } from './hf-trainer-state/hf-trainer-state.ts'
import { jsonLines } from './json-lines/json-lines.ts'
import { llmc } from './llmc/llmc.ts'
import { megatron } from './megatron/megatron.ts'
import { nanochat } from './nanochat/nanochat.ts'
import { simpleNmt } from './simple-nmt/simple-nmt.ts'
import { swin } from './swin/swin.ts'
import { sweepJson } from './sweep-json/sweep-json.ts'
import { table } from './table/table.ts'
import { tacotron2 } from './tacotron2/tacotron2.ts'
import { verl } from './verl/verl.ts'
import { wandb } from './wandb/wandb.ts'

/** The formats that are read. A new one is a folder beside these and a line here. */
export const formats: readonly Format[] = [
  hfConsole,
  hfTrainerState,
  jsonLines,
  llmc,
  megatron,
  nanochat,
  simpleNmt,
  swin,
  sweepJson,
  table,
  tacotron2,
  verl,
  wandb,
]
