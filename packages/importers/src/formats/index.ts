import type { Format } from '../format.ts'
import { aim } from './aim/aim.ts'
import { areal } from './areal/areal.ts'
import { caffe } from './caffe/caffe.ts'
import { composer } from './composer/composer.ts'
import { coqui } from './coqui/coqui.ts'
import { detectron2 } from './detectron2/detectron2.ts'
import { diffusers } from './diffusers/diffusers.ts'
import { easylm } from './easylm/easylm.ts'
import { espnet } from './espnet/espnet.ts'
import { fairseq } from './fairseq/fairseq.ts'
import { fairseq2 } from './fairseq2/fairseq2.ts'
import { hfConsole } from './hf-console/hf-console.ts'
import { hfTrainerState } from './hf-trainer-state/hf-trainer-state.ts'
import { icefall } from './icefall/icefall.ts'
import { internevo } from './internevo/internevo.ts'
import { jsonLines } from './json-lines/json-lines.ts'
import { litgpt } from './litgpt/litgpt.ts'
import { llmc } from './llmc/llmc.ts'
import { maxtext } from './maxtext/maxtext.ts'
import { megatron } from './megatron/megatron.ts'
import { mindformers } from './mindformers/mindformers.ts'
import { mlruns } from './mlruns/mlruns.ts'
import { mmengine } from './mmengine/mmengine.ts'
import { nanochat } from './nanochat/nanochat.ts'
import { nanogpt } from './nanogpt/nanogpt.ts'
import { nanotron } from './nanotron/nanotron.ts'
import { olmo } from './olmo/olmo.ts'
import { openClip } from './open-clip/open-clip.ts'
import { openrlhf } from './openrlhf/openrlhf.ts'
import { paddlenlp } from './paddlenlp/paddlenlp.ts'
import { parquet } from './parquet/parquet.ts'
import { primeRl } from './prime-rl/prime-rl.ts'
import { simpleNmt } from './simple-nmt/simple-nmt.ts'
import { slime } from './slime/slime.ts'
import { sweepJson } from './sweep-json/sweep-json.ts'
import { speechbrain } from './speechbrain/speechbrain.ts'
import { sqlite } from './sqlite/sqlite.ts'
import { stableBaselines3 } from './stable-baselines3/stable-baselines3.ts'
import { swanlab } from './swanlab/swanlab.ts'
import { swin } from './swin/swin.ts'
import { table } from './table/table.ts'
import { tacotron2 } from './tacotron2/tacotron2.ts'
import { tensorboard } from './tensorboard/tensorboard.ts'
import { timm } from './timm/timm.ts'
import { torchtitan } from './torchtitan/torchtitan.ts'
import { torchtune } from './torchtune/torchtune.ts'
import { verl } from './verl/verl.ts'
import { wandb } from './wandb/wandb.ts'

/** The formats that are read. A new one is a folder beside these and a line here. */
export const formats: readonly Format[] = [
  aim,
  areal,
  caffe,
  composer,
  coqui,
  detectron2,
  diffusers,
  easylm,
  espnet,
  fairseq,
  fairseq2,
  hfConsole,
  hfTrainerState,
  icefall,
  internevo,
  jsonLines,
  litgpt,
  llmc,
  maxtext,
  megatron,
  mindformers,
  mlruns,
  mmengine,
  nanochat,
  nanogpt,
  nanotron,
  olmo,
  openClip,
  openrlhf,
  paddlenlp,
  parquet,
  primeRl,
  simpleNmt,
  slime,
  speechbrain,
  sqlite,
  stableBaselines3,
  sweepJson,
  swanlab,
  swin,
  table,
  tacotron2,
  tensorboard,
  timm,
  torchtitan,
  torchtune,
  verl,
  wandb,
]
