/** A way to a first run, ready to paste. */
export interface Snippet {
  readonly name: string
  readonly title: string
  readonly text: string
}

/** The shortest ways to a first run on the server at `origin`, and those for other languages. */
export function firstSnippets(origin: string): {
  readonly ways: readonly Snippet[]
  readonly others: readonly Snippet[]
} {
  return { ways: shortestWays(origin), others: otherWays(origin) }
}

function shortestWays(origin: string): Snippet[] {
  return [
    {
      name: 'import',
      title: 'Watch a folder of logs',
      text: `# or drop the folder onto this page
export NORMWATCH_URL=${origin}
normwatch import ./outputs --follow
`,
    },
    {
      name: 'run',
      title: 'Watch a training, no line changed',
      text: `export NORMWATCH_URL=${origin}
pip install ${origin}/sdk/python
normwatch run -- python train.py
`,
    },
    {
      name: 'Python',
      title: 'Three lines of Python',
      text: `# pip install ${origin}/sdk/python
import normwatch

run = normwatch.init(url="${origin}",
                     name="first-run", max_norm=1.0)
# each step, with the norm before clipping:
run.log(grad_norm=1.73, loss=2.31)
run.finish()
`,
    },
  ]
}

function otherWays(origin: string): Snippet[] {
  const json = `-H 'content-type: application/json'`
  return [
    {
      name: 'TypeScript',
      title: 'TypeScript',
      text: `// npm install ${origin}/sdk/npm
import { init } from '@normwatch/sdk'

const run = init({ url: '${origin}', project: 'my-project', name: 'first-run', maxNorm: 1.0 })
run.log({ gradNorm: 1.73, loss: 2.31 }) // once a step: the norm before clipping
await run.finish()
`,
    },
    {
      name: 'Python without the SDK',
      title: 'Python without the SDK',
      text: `import json, math, urllib.request

def send(method, path, body):
    request = urllib.request.Request("${origin}/api/v1" + path, json.dumps(body).encode(),
                                     {"content-type": "application/json"}, method=method)
    urllib.request.urlopen(request).close()

def wire(x):  # JSON has no NaN: send it as a string
    x = float(x)
    return x if math.isfinite(x) else "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"

send("PUT", "/runs/first-run", {"clip": {"mode": "norm", "max_norm": 1.0}})
# after loss.backward():  norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
step, norm, loss = 0, 1.73, 2.31
send("POST", "/runs/first-run/points", {"points": [{"step": step, "grad_norm": wire(norm), "loss": wire(loss)}]})
`,
    },
    {
      name: 'curl',
      title: 'curl',
      text: `curl -X PUT ${origin}/api/v1/runs/first-run ${json} \\
  -d '{"clip": {"mode": "norm", "max_norm": 1.0}}'
curl ${origin}/api/v1/runs/first-run/points ${json} \\
  -d '{"points": [{"step": 0, "grad_norm": 1.73, "loss": 2.31}]}'
`,
    },
  ]
}
