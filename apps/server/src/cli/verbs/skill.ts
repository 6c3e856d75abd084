import type { Command } from 'commander'
import { example } from '../help.ts'

const SKILL = `---
name: normwatch
description: Watch a model training with Normwatch and find out why its gradients are clipped. Use when a training
  runs or has run and its loss, gradient norms or clipping are in question.
---

# Watching a training with Normwatch

Normwatch stores the gradient norms of trainings and judges them. NORMWATCH_URL names the server (default
http://127.0.0.1:4280), NORMWATCH_TOKEN its token; a token with the scope read is enough for everything here.
Every verb takes --json and --help.

## While it runs

    normwatch watch RUN --until finding --timeout 30m

The exit code says why it returned: 0 the run ended well, 10 a finding opened, 11 it ended flagged or failed,
12 it is silent (stalled), 124 time-out. Do not poll in a loop of your own.

## When something is found

    normwatch findings --run RUN --state open
    normwatch show RUN
    normwatch snapshot RUN --around STEP

A finding names its likely causes with the figures that speak for them. Look at the step where it began: what moved
in the snapshot, and what moved first?

## When two runs differ

    normwatch compare RUN OTHER

Read the notes: one run a side, other lengths or other configurations make a comparison weak.

## What to keep in mind

- grad_norm is the norm before clipping. A step is clipped when it is above max_norm.
- Clipping at every step is no fault by itself: many good runs do. Do not raise max_norm only because of it.
- A learning rate too high, a missing warm-up and gradients that were not unscaled are the usual causes.
- Nothing here changes a run: these verbs only read.
`

export function addTo(program: Command): void {
  program
    .command('skill')
    .description('prints a skill file that tells a coding agent how to watch a training')
    .addHelpText('after', example('normwatch skill'))
    .action(() => void process.stdout.write(SKILL))
}
