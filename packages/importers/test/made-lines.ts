/** Lines written in each format's shape, and what is to be read from them. */
interface MadeLines {
  readonly path?: string
  readonly text: string
  readonly steps: readonly number[]
  readonly metrics: Readonly<Record<string, readonly number[]>>
  readonly cap?: number
  readonly note?: string
}

/** By the name of the format. */
export const madeLines: Readonly<Record<string, MadeLines>> = {
  maxtext: {
    text: 'INFO:absl:Config param gradient_clipping_threshold: 1.0\ncompleted step: 0, seconds: 44.923, TFLOP/s/device: 17.022, Tokens/s/device: 1094.129, total_weights: 196608, loss: 12.038\n[Rampup Batch Size Phase], completed step: 1, seconds: 0.319, total_weights: 196608, loss: nan, lm_loss: 11.5, perplexity: 98715.771, moe_lb_loss: 0.010000\ncompleted profiler activation/deactivation step: 2, total_weights: 196608, loss: 11.689\nCompleted eval after train step 2, loss=11.5, total_weights=196608',
    steps: [0, 1, 2],
    metrics: { loss: [12.038, NaN, 11.689], 'Tokens/s/device': [1094.129], lm_loss: [11.5], grad_norm: [] },
    cap: 1,
    note: 'This log has no gradient norms.',
  },
  composer: {
    text: '[batch=1/100]:\n\t Train time/epoch: 0\n\t Train time/batch: 0\n\t Train l2_norm/grad/model.wte.weight: 1.2000\n\t Train l2_norm/grad/global: 2.5000\n\t Train l2_norm/param/model.wte.weight: 90.0000\n\t Train loss/train/total: 11.9\n\t Train lr-DecoupledAdamW/group0: 0.0006\n[Eval batch=1/5] Eval on eval data:\n\t Eval metrics/eval/LanguageCrossEntropy: 9.5\n[batch=2/100]:\n\t Train l2_norm/grad/global: nan\n\t Train loss/train/total: 11.8000',
    steps: [1, 2],
    metrics: {
      loss: [11.9, 11.8],
      lr: [0.0006],
      grad_norm: [2.5, NaN],
      'layers/model.wte.weight': [1.2],
      'metrics/eval/LanguageCrossEntropy': [],
    },
    note: 'after its GradientClipping',
  },
  'stable-baselines3': {
    text: '---------------------------------\n| rollout/           |          |\n|    ep_rew_mean     | 21.5     |\n| time/              |          |\n|    iterations      | 1        |\n|    total_timesteps | 2048     |\n---------------------------------\n------------------------------------------\n| time/                   |              |\n|    iterations           | 2            |\n|    total_timesteps      | 4096         |\n| train/                  |              |\n|    learning_rate        | 0.0003       |\n|    loss                 | 5.86         |\n|    policy_gradient_loss | -0.0165      |\n------------------------------------------',
    steps: [4096],
    metrics: { loss: [5.86], lr: [0.0003], 'train/policy_gradient_loss': [-0.0165], grad_norm: [] },
    note: 'This log has no gradient norms.',
  },
  paddlenlp: {
    text: '[2024-01-02 03:04:05,678] [    INFO] - loss: 10.5, learning_rate: 3e-07, global_step: 4, current_memory_allocated: 1.0, interval_runtime: 1.1, grad_norm: 1.25, progress_or_epoch: 0.01',
    steps: [4],
    metrics: { loss: [10.5], lr: [3e-7], grad_norm: [1.25] },
  },
  mindformers: {
    text: '2024-01-02 03:04:05,678 - mindformers[callback.py:1] - INFO - { Epoch:[  1/  2], step:[   99/  100], loss: 10.5, per_step_time: 100ms, lr: 1e-05, overflow cond: False, loss_scale: 1.0, global_norm: [1.25], train_throughput_per_npu: 1.0\n2024-01-02 03:04:06,678 - mindformers[callback.py:1] - INFO - { Epoch:[  2/  2], step:[    1/  100], loss: 10.25, per_step_time: 100ms, lr: 1e-05, overflow cond: False, loss_scale: 1.0, global_norm: [nan], train_throughput_per_npu: 1.0',
    steps: [99, 101],
    metrics: { loss: [10.5, 10.25], lr: [1e-5, 1e-5], grad_norm: [1.25, NaN] },
  },
  torchtitan: {
    text: '[rank0]:[titan] 2025-01-02 03:04:05,678 - root - INFO - \u001b[31mstep:  1  \u001b[32mloss:  8.21  \u001b[34mgrad_norm:  1.5  memory: 4.5GiB(5%)  tps: 1,234  mfu: 3%\u001b[39m\n[rank1]:[titan] 2025-01-02 03:04:05,678 - root - INFO - step:  1  loss:  8.21  grad_norm:  1.5  memory: 4.5GiB(5%)  tps: 1,234  mfu: 3%',
    steps: [1],
    metrics: { loss: [8.21], grad_norm: [1.5], tps: [1234] },
  },
  nanotron: {
    text: '01/02/2025 03:04:05 [INFO|DP=0|PP=0|TP=0]: iteration: 3 / 100 | consumed_tokens: 786K | lm_loss: 10.5 | lr: 3E-05 | grad_norm: nan |',
    steps: [3],
    metrics: { loss: [10.5], lr: [3e-5], grad_norm: [NaN] },
  },
  nanogpt: {
    text: 'iter 10: loss 3.2041, time 52.10ms, mfu 3.00%\niter 20: loss 3.1, time 52.10ms, mfu 3.00%',
    steps: [10, 20],
    metrics: { loss: [3.2041, 3.1] },
    note: 'This log has no gradient norms.',
  },
  internevo: {
    text: "2023-07-07 12:26:58,293 INFO train.py:323 in record -- tflops=63.2 step=7 loss=11.68 step=7 tgs=1,234.5 lr=2e-07 loss_scale=65536.0 grad_norm={'0_default': 2.15} micro_num=4",
    steps: [7],
    metrics: { loss: [11.68], lr: [2e-7], loss_scale: [65536], grad_norm: [2.15] },
  },
  mmengine: {
    text: '2023/01/02 03:04:05 - mmengine - INFO - Epoch(train) [1][ 50/100]  lr: 1.0000e-04  eta: 1:00  loss: 2.5  grad_norm: 12.1\n2023/01/02 03:05:05 - mmengine - INFO - Epoch(train) [2][ 50/100]  lr: 1.0000e-04  eta: 1:00  loss: 2.4  grad_norm: inf',
    steps: [50, 150],
    metrics: { loss: [2.5, 2.4], grad_norm: [12.1, Infinity] },
  },
  detectron2: {
    text: '[01/02 03:04:05 d2.utils.events]: eta: 0:10:00  iter: 19  total_loss: 5.1  loss_cls: 4.2  time: 0.3  lr: 0.0002  grad_norm: 3.1  max_mem: 3000M',
    steps: [19],
    metrics: { loss: [5.1], lr: [0.0002], grad_norm: [3.1] },
  },
  timm: {
    text: 'Train: 0 [   0/1251 (  0%)]  Loss: 6.99 (6.99)  LR: 1.000e-06\nTrain: 1 [  50/1251 (  4%)]  Loss: 6.95 (6.94)  Time: 0.5s  LR: 1.000e-06  Grad norm: 2.3 (2.2)',
    steps: [0, 1301],
    metrics: { loss: [6.99, 6.95], grad_norm: [2.3] },
  },
  openrlhf: {
    text: "✨ Global step 3: {'policy_loss': 0.02, 'actor_grad_norm': np.float64(0.5), 'critic_grad_norm': tensor(1.25, device='cuda:0'), 'actor_lr': 1e-06}",
    steps: [3],
    metrics: { loss: [0.02], 'grad_norm/actor': [0.5], 'grad_norm/critic': [1.25], lr: [1e-6] },
  },
  fairseq: {
    text: '2020-01-01 00:00:00 | INFO | train_inner | epoch 001:    100 / 1000 loss=9.5, nll_loss=8.7, wps=1,234, num_updates=100, lr=1e-05, gnorm=2.5, clip=0, loss_scale=128',
    steps: [100],
    metrics: { loss: [9.5], lr: [1e-5], grad_norm: [2.5], loss_scale: [128] },
  },
  espnet: {
    text: '[host] 2023-01-02 03:04:05,678 (trainer:721) INFO: 1epoch:train:1-50batch: iter_time=0.1, loss=80.1, grad_norm=12.3, clip=100.000, loss_scale=1.000, optim0_lr0=1e-06',
    steps: [50],
    metrics: { loss: [80.1], grad_norm: [12.3], lr: [1e-6] },
    note: 'mean over some batches',
  },
  icefall: {
    text: '2023-01-02 03:04:05,678 INFO [train.py:898] (0/4) Epoch 1, batch 0, loss[loss=7.5, over 1000 frames.]\n2023-01-02 03:04:06,678 INFO [optim.py:369] (0/4) Clipping_scale=2.0, grad-norm quartiles 1.0 2.0 3.5 4.0 9.0, threshold=7.0, percent-clipped=1.0',
    steps: [1, 2],
    metrics: { loss: [7.5], grad_norm: [3.5], max_norm: [7] },
    note: 'quartiles',
  },
  coqui: {
    text: '   --> STEP: 24/405 -- GLOBAL_STEP: 25\n     | > loss: 2.5  (2.6)\n     | > grad_norm_0: 12.3  (11.9)\n     | > grad_norm_1: 3.5  (3.4)\n     | > current_lr: 0.0001 \n',
    steps: [25],
    metrics: { loss: [2.5], 'grad_norm/0': [12.3], 'grad_norm/1': [3.5] },
  },
  caffe: {
    text: 'I0102 03:04:05.6 1 solver.cpp:218] Iteration 100 (2 iter/s, 50s/100 iters), loss = 1.5\nI0102 03:04:06.6 1 sgd_solver.cpp:92] Gradient clipping: scaling down gradients (L2 norm 45.5 > 35) by scale factor 0.77',
    steps: [100],
    metrics: { loss: [1.5], grad_norm: [45.5] },
    cap: 35,
    note: 'cannot be known',
  },
  'json-lines': {
    path: 'output/logging.jsonl',
    text: '{"loss": "0.7695", "grad_norm": "nan", "learning_rate": 1e-4, "global_step/max_steps": "10/438"}\n{"loss": 0.5, "grad_norm": 2.5, "global_step/max_steps": "20/438"}\n{"loss": 0.5, "grad_norm": 2.5, "global_step/max_steps": "20/438"}\n{"log_history": [{"loss": 9, "step": 1}]}',
    steps: [10, 20],
    metrics: { loss: [0.7695, 0.5], grad_norm: [NaN, 2.5] },
  },
  'hf-console': {
    text: "Num Epochs = 2\nTotal optimization steps = 1,000\n{'loss': '0.0', 'grad_norm': 'nan', 'learning_rate': '5e-05', 'epoch': '0.02'}\r 5%|▌ | 50/1000{'loss': 2.5, 'grad_norm': 1.5, 'epoch': 0.04}",
    steps: [10, 20],
    metrics: { grad_norm: [NaN, 1.5], loss: [0, 2.5] },
    note: 'NaN filter',
  },
  table: {
    path: 'lightning_logs/version_0/metrics.csv',
    text: 'epoch,grad_2.0_norm_total,step,train_loss_step,val_loss\n0,1.5,9,2.5,\n0,,9,,1.1\n0,2.5,19,2.25,\n0,nan,29,"2,125.5",\n',
    steps: [9, 19, 29],
    metrics: { grad_norm: [1.5, 2.5, NaN], loss: [2.5, 2.25, 2125.5] },
  },
  nanochat: {
    text: 'step 00012/21400 (0.06%) | loss: 9.5 | grad norm: 0.9 | lrm: 1.00 | dt: 10.00ms | tok/sec: 1,234 | mfu: 3.0',
    steps: [12],
    metrics: { loss: [9.5], grad_norm: [0.9], 'tok/sec': [1234] },
  },
  megatron: {
    text: ' iteration 1/ 9 | lm loss: 2.6E+01 | grad norm: nan | iteration 2/ 9 | lm loss: 2.5E+01 | grad norm: 1.5 |\n iteration 3/ 9 | grad norm: nan | number of nan iterations: 1 |\n  clip_grad ....................................... 0.5',
    steps: [1, 2, 3],
    metrics: { loss: [26, 25, NaN], grad_norm: [NaN, 1.5, NaN] },
    cap: 0.5,
  },
  'sweep-json': {
    text: '[{"config": {"opt": {"grad_clip": 10}}, "history": [{"epoch": 0, "grad_norm": NaN, "train_loss": 1.5}]}]',
    steps: [0],
    metrics: { grad_norm: [NaN], loss: [1.5] },
    cap: 10,
  },
  diffusers: {
    text: 'Steps:   0%|          | 0/15000 [00:00<?, ?it/s]\rSteps:   0%|          | 0/15000 [00:01<?, ?it/s, lr=1e-05, step_loss=0.5]\rSteps:   0%|          | 0/15000 [00:01<?, ?it/s, lr=1e-05, step_loss=0.25]\rSteps:   0%|          | 1/15000 [00:02<4:10:00,  1.00s/it, lr=1e-05, step_loss=0.25]\rSteps:   0%|          | 1/15000 [00:02<4:10:00,  1.00s/it, lr=1e-05, step_loss=nan]\rSteps:   0%|          | 2/15000 [00:03<4:10:00,  1.00s/it, loss=0.125, lr=1e-05]',
    steps: [0, 1, 2],
    metrics: { loss: [0.25, NaN, 0.125], lr: [1e-5, 1e-5, 1e-5], grad_norm: [] },
    note: 'This log has no gradient norms.',
  },
  torchtune: {
    text: "clip_grad_norm: 1.0\nStep 1 | loss:1.5598 lr:2e-05 tokens_per_second_per_gpu:1200.5 grad_norm:tensor(3.25, device='cuda:0') \nStep 2 | loss:1.5 lr:2e-05 tokens_per_second_per_gpu:1200.5 grad_norm:nan ",
    steps: [1, 2],
    metrics: { loss: [1.5598, 1.5], lr: [2e-5, 2e-5], grad_norm: [3.25, NaN] },
    cap: 1,
  },
  litgpt: {
    text: 'Epoch 1 | iter 1 step 0 | loss train: 10.976, val: n/a | iter time: 800.10 ms remaining time: 1:00:00\nEpoch 1 | iter 2 step 1 | loss train: 10.5, val: 10.9 | iter time: 800.10 ms (step)',
    steps: [1, 2],
    metrics: { loss: [10.976, 10.5], grad_norm: [] },
    note: 'This log has no gradient norms.',
  },
  'open-clip': {
    text: '2023-01-02,03:04:05 | INFO |   grad_clip_norm: 1.0\n2023-01-02,03:04:05 | INFO | Train Epoch: 0 [   512/100000 (1%)] Data (t): 0.300 Batch (t): 0.900, 568.9/s, 568.9/s/gpu LR: 0.000001 Logit Scale: 14.286 Contrastive_loss: 6.2383 (7.0000) Loss: 6.2383 (7.0000)\n2023-01-02,03:04:05 | INFO | Train Epoch: 1 [   512/100000 (1%)] Data (t): 0.300 Batch (t): 0.900, 568.9/s, 568.9/s/gpu LR: 0.000005 Logit Scale: 14.286 Loss: 5.5000 (6.0000)',
    steps: [512, 100_512],
    metrics: { loss: [6.2383, 5.5], lr: [1e-6, 5e-6], Contrastive_loss: [6.2383] },
    cap: 1,
    note: 'count samples',
  },
  olmo: {
    text: '2024-01-02 03:04:05.678\thost:0\tolmo.train:816\tINFO\t[step=1/739328,epoch=0]\n    optim/total_grad_norm=14.83\n    train/CrossEntropyLoss=11.47\n    throughput/total_tokens=4,194,304\nPre-train system metrics\n    System/Peak GPU Memory (MB)=40,123\n2024-01-02 03:04:06.678\thost:0\tolmo_core\tINFO\t[step=2/1000,epoch=1,eta=1 day]\n    train/CE loss=11.4\n    optim/total grad norm=1.500\n    optim/LR (group 0)=0.0004',
    steps: [1, 2],
    metrics: {
      loss: [11.47, 11.4],
      lr: [0.0004],
      grad_norm: [14.83, 1.5],
      'throughput/total_tokens': [4_194_304],
      'System/Peak GPU Memory (MB)': [],
    },
  },
  fairseq2: {
    text: '[Rank 0] 2025-01-02 03:04:05,678 INFO fairseq2 - Train Metrics (step 10) - Loss: 2.5 | Gradient Norm: 1.5 | Data Epoch: 1 | Data Time: 0s | Learning Rate: 5e-05 | Elements per Second: 1,234\n[Rank 0] 2025-01-02 03:04:05,678 INFO fairseq2 - Validation Metrics (step 10) - Loss: 9.9\n[Rank 0] 2025-01-02 03:04:06,678 INFO fairseq2 - Train Metrics (step 20) - Loss: nan | Gradient Norm: nan | Learning Rate: 5e-05',
    steps: [10, 20],
    metrics: { loss: [2.5, NaN], grad_norm: [1.5, NaN], lr: [5e-5, 5e-5] },
    note: 'mean of the norms',
  },
  speechbrain: {
    path: 'results/train_log.txt',
    text: 'epoch: 1, lr: 1.00e+00, steps: 1000, optimizer: Adam - train loss: 2.50 - valid loss: 9.50, valid ACC: 5.00e-01\nepoch: 2, lr: 9.00e-01 - train loss: 1.50e-01 - valid loss: 9.40',
    steps: [1, 2],
    metrics: { loss: [2.5, 0.15], lr: [1, 0.9], grad_norm: [] },
    note: 'This log has no gradient norms.',
  },
  'prime-rl': {
    text: '03:04:05 SUCCESS Step 0 |   12.34s | Loss 0.0123 | Entropy 0.5000 | Mismatch KL 0.0010 | Grad. Norm 0.1250 | LR 1.00e-06 | Throughput 12000 tokens/s | MFU 30.1% | Peak Mem. 60.1 GiB\n03:04:15 SUCCESS Step 1 | Time: 2.10s | Loss: 0.5 | Entropy: 0.5000 | Grad. Norm: nan | LR: 1.00e-06 | Throughput: 12000 tokens/s',
    steps: [0, 1],
    metrics: { loss: [0.0123, 0.5], grad_norm: [0.125, NaN], lr: [1e-6, 1e-6], Throughput: [12_000, 12_000] },
  },
  slime: {
    text: "  clip_grad ....................................... 1.0\n(MegatronTrainRayActor pid=1) [2025-09-01 10:00:00] model.py:918 - step 0: {'train/loss': 0.01, 'train/grad_norm': 0.125, 'train/lr-pg_0': 1e-06, 'train/step': 0}\n(MegatronTrainRayActor pid=2) [2025-09-01 10:00:00] model.py:918 - critic-step 0: {'train/critic-value_loss': 0.5, 'train/critic-grad_norm': 3.5, 'train/step': 0}\n(MegatronTrainRayActor pid=1) [2025-09-01 10:00:00] model.py:918 - step 1: {'train/loss': 0.02, 'train/grad_norm': nan, 'train/lr-pg_0': 1e-06, 'train/step': 1}",
    steps: [0, 1],
    metrics: {
      loss: [0.01, 0.02],
      grad_norm: [0.125, NaN],
      lr: [1e-6, 1e-6],
      'train/critic-grad_norm': [3.5],
      'train/step': [],
    },
    cap: 1,
  },
  areal: {
    text: '20250102-03:04:05.678 StatsLogger INFO: Epoch 1/10 Step 1/100 Train step 1/1000 done.\n20250102-03:04:05.678 StatsLogger INFO: Stats (1/2):\n20250102-03:04:05.678 StatsLogger INFO: \n╒═════════════════════════════╤════════════╤══════════════════════╤════════════╕\n│ ppo_actor/update/grad_norm  │ 1.2500e-01 │ ppo_actor/update/lr  │ 1.0000e-06 │\n├─────────────────────────────┼────────────┼──────────────────────┼────────────┤\n│ ppo_actor/update/loss/avg   │ 1.5000e-02 │                      │            │\n╘═════════════════════════════╧════════════╧══════════════════════╧════════════╛\n20250102-03:04:05.678 StatsLogger INFO: Stats (2/2):\n20250102-03:04:05.678 StatsLogger INFO: \n│ ppo_actor/update/grad_norm  │ nan        │ ppo_actor/update/lr  │ 1.0000e-06 │\n20250102-03:04:06.678 StatsLogger INFO: Epoch 1/10 Step 2/100 Train step 2/1000 done.\n20250102-03:04:06.678 StatsLogger INFO: Stats (1/1):\n│ ppo_actor/update/grad_norm  │ 2.5000e-01 │ ppo_actor/update/lr  │ 1.0000e-06 │',
    steps: [0, 1, 2],
    metrics: { grad_norm: [0.125, NaN, 0.25], 'ppo_actor/update/loss/avg': [0.015] },
  },
  easylm: {
    text: "python -m EasyLM.models.llama.llama_train --optimizer.adamw_optimizer.clip_gradient=1.0\n\n{'accuracy': 0.01,\n 'gradient_norm': array(2.5, dtype=float32),\n 'learning_rate': 0.0003,\n 'loss': 10.5,\n 'param_norm': 900.5,\n 'step': 50}\n\n{'gradient_norm': nan, 'loss': nan, 'step': 100}\n",
    steps: [50, 100],
    metrics: { grad_norm: [2.5, NaN], loss: [10.5, NaN], lr: [0.0003], param_norm: [900.5] },
    cap: 1,
  },
}
