import type { Format } from '../format.ts'
import { aim } from './aim/aim.ts'
import { caffe } from './caffe/caffe.ts'
import { coqui } from './coqui/coqui.ts'
import { detectron2 } from './detectron2/detectron2.ts'
import { espnet } from './espnet/espnet.ts'
import { fairseq } from './fairseq/fairseq.ts'
import { hfConsole } from './hf-console/hf-console.ts'
import { hfTrainerState } from './hf-trainer-state/hf-trainer-state.ts'
import { icefall } from './icefall/icefall.ts'
import { internevo } from './internevo/internevo.ts'
import { jsonLines } from './json-lines/json-lines.ts'
import { llmc } from './llmc/llmc.ts'
import { megatron } from './megatron/megatron.ts'
import { mlruns } from './mlruns/mlruns.ts'
import { mmengine } from './mmengine/mmengine.ts'
import { nanochat } from './nanochat/nanochat.ts'
import { nanogpt } from './nanogpt/nanogpt.ts'
import { nanotron } from './nanotron/nanotron.ts'
import { openrlhf } from './openrlhf/openrlhf.ts'
import { parquet } from './parquet/parquet.ts'
import { simpleNmt } from './simple-nmt/simple-nmt.ts'
import { sweepJson } from './sweep-json/sweep-json.ts'
import { sqlite } from './sqlite/sqlite.ts'
import { swanlab } from './swanlab/swanlab.ts'
import { swin } from './swin/swin.ts'
import { table } from './table/table.ts'
import { tacotron2 } from './tacotron2/tacotron2.ts'
import { tensorboard } from './tensorboard/tensorboard.ts'
import { timm } from './timm/timm.ts'
import { torchtitan } from './torchtitan/torchtitan.ts'
import { verl } from './verl/verl.ts'
import { wandb } from './wandb/wandb.ts'

/** The formats that are read. A new one is a folder beside these and a line here. */
export const formats: readonly Format[] = [
  aim,
  caffe,
  coqui,
  detectron2,
  espnet,
  fairseq,
  hfConsole,
  hfTrainerState,
  icefall,
  internevo,
  jsonLines,
  llmc,
  megatron,
  mlruns,
  mmengine,
  nanochat,
  nanogpt,
  nanotron,
  openrlhf,
  parquet,
  simpleNmt,
  sqlite,
  sweepJson,
  swanlab,
  swin,
  table,
  tacotron2,
  tensorboard,
  timm,
  torchtitan,
  verl,
  wandb,
]
