import gpt2 from '@normwatch/importers/fixtures/llmc-gpt2-124m/main.log.gz?url'
import mistral from '@normwatch/importers/fixtures/mistral7b-lora-translator/trainer_state.json.gz?url'
import nanochat from '@normwatch/importers/fixtures/nanochat-per-layer/mst_sweep.log.gz?url'
import agent from '@normwatch/importers/fixtures/verl-agent-opd-144822/output.log.gz?url'

/** A recorded training that anyone may look at. */
export interface RecordedRun {
  /** The folder and file that it stands in: the run's id is made of it. */
  readonly path: string
  /** Where the server has the log. */
  readonly address: string
  readonly name: string
  readonly maxNorm?: number
  readonly notes: string
}

/** Real logs of other people's trainings, as the importers' tests read them; each says whose it is. */
export const RECORDED: readonly RecordedRun[] = [
  {
    path: 'agent/output.log.gz',
    address: agent,
    name: 'Agent distillation: the norm explodes',
    maxNorm: 1,
    notes:
      'Sample. The norm jumps from 0.8 to 15 in the middle of the run. Source: jianghoucheng/Agent_On_Policy_Distillation, Apache-2.0.',
  },
  {
    path: 'mistral/trainer_state.json.gz',
    address: mistral,
    name: 'Mistral 7B LoRA: always clipped',
    maxNorm: 1,
    notes:
      'Sample. Clipped from its first step on, while the loss falls. Source: syGOAT/Mistral-v0.2-Translator-bf16, Apache-2.0.',
  },
  {
    path: 'gpt2/main.log.gz',
    address: gpt2,
    name: 'GPT-2 124M: healthy',
    maxNorm: 1,
    notes:
      'Sample. Clipped in its warm-up only, with two spikes later. Source: KellerJordan/modded-nanogpt, MIT.',
  },
  {
    path: 'nanochat/mst_sweep.log.gz',
    address: nanochat,
    name: 'nanochat: norms of layers, no cap',
    notes: 'Sample. Logs the norm of each stream of the model. Source: Seqaeon/nanochat, MIT.',
  },
]
