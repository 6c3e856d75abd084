import { hostname } from 'node:os'

/** What a person reads after the start: the address, how to send a first point, and a token that was made just now. */
export function welcome(
  address: string,
  data: string,
  { isOpen, firstToken }: { readonly isOpen: boolean; readonly firstToken: string | undefined },
): string {
  const socket = /^unix:(.*)$/.exec(address)?.[1]
  const api = `${socket === undefined ? address : 'http://localhost'}/api/v1/runs/first`
  const token = isOpen ? '' : ` -H "authorization: Bearer $NORMWATCH_TOKEN"`
  const json = `${socket === undefined ? '' : `--unix-socket ${socket} `}-H 'content-type: application/json'${token}`
  return `
  Normwatch listens on ${address}
  Data: ${data}${firstToken === undefined ? '' : firstTokenWords(firstToken)}${socket === undefined ? '' : throughSsh(socket)}

  Send a first point:
    curl -X PUT ${api} ${json} \\
      -d '{"clip": {"mode": "norm", "max_norm": 1.0}}'
    curl ${api}/points ${json} \\
      -d '{"points": [{"step": 0, "grad_norm": 1.7, "loss": 2.3}]}'

  Ctrl-C stops it.
`
}

function firstTokenWords(secret: string): string {
  return `

  The first token, with the scope admin. It is shown this once: sign in with it, make others, revoke it.
    ${secret}`
}

function throughSsh(socket: string): string {
  return `
  The dashboard, from another machine: ssh -L 4280:${socket} ${hostname()}, then http://localhost:4280`
}
