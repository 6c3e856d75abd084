import type { ErrorDetail, ErrorReply } from '@normwatch/protocol'
import { AddressRefused } from './alerts/address-guard.ts'
import { TooManyTests } from './alerts/alerts.ts'
import { ChannelAddressInvalid } from './alerts/kinds/kind.ts'
import { TooManyLimits } from './storage/limit-store.ts'
import { SettingsRefused } from './ingest/run-settings.ts'
import { ChannelNotFound, DeliveryNotFound, MuteNotFound, TooManyAlertRules } from './storage/alert-store.ts'
import { TooManyEvents } from './storage/event-store.ts'
import {
  BadCursor,
  FindingNotFound,
  PartNotFound,
  RunNotFound,
  StoreUnavailable,
  TooManyMetrics,
} from './storage/store.ts'
import { TokenNotFound, TooManyTokens } from './storage/token-store.ts'

/** Why a request is refused. */
interface Reason {
  /** HTTP status. */
  readonly status: number
  /** The default message of the refusal. */
  readonly sentence: string
  /** The error class that lower layers throw for this; its message replaces the sentence. */
  readonly thrown?: abstract new (...args: never[]) => Error
  /** The field or parameter that such an error is about. */
  readonly path?: string
  /** Codes of errors of the framework and of Node that mean this. */
  readonly codes?: readonly string[]
}

/** Every error code and everything about it. docs/errors.md lists them in this order. */
export const refusals = {
  request_invalid: {
    status: 400,
    sentence: 'The request is malformed.',
    codes: ['FST_ERR_CTP_INVALID_CONTENT_LENGTH', 'FST_ERR_BAD_URL', 'FST_ERR_MAX_PARAM_LENGTH'],
  },
  query_invalid: { status: 400, sentence: 'Invalid query parameter.' },
  run_id_invalid: {
    status: 400,
    sentence: 'A run\'s id has 1 to 64 characters of A–Z a–z 0–9 . _ - and is not "." or with "..".',
  },
  run_invalid: { status: 400, sentence: 'Invalid run fields.' },
  settings_invalid: {
    status: 400,
    sentence: 'Invalid settings; nothing was changed.',
    thrown: SettingsRefused,
  },
  points_invalid: { status: 400, sentence: 'Invalid points; nothing was stored.' },
  events_invalid: { status: 400, sentence: 'Invalid events; nothing was stored.' },
  json_invalid: { status: 400, sentence: 'The body is not JSON.' },
  encoding_invalid: {
    status: 400,
    sentence: 'The body does not match its content-encoding, or is incomplete.',
  },
  channel_invalid: {
    status: 400,
    sentence: 'Invalid channel fields.',
    thrown: ChannelAddressInvalid,
    path: '/url',
  },
  channel_address_refused: {
    status: 400,
    sentence: "The channel's address is not a public one; the operator can allow it.",
    thrown: AddressRefused,
    path: '/url',
  },
  mute_invalid: { status: 400, sentence: 'Invalid mute fields.' },
  cursor_invalid: { status: 400, sentence: 'Invalid cursor.', thrown: BadCursor, path: 'cursor' },
  token_missing: {
    status: 401,
    sentence: 'A token is required: send "authorization: Bearer nw_…".',
  },
  token_invalid: { status: 401, sentence: 'Unknown token.' },
  token_expired: { status: 401, sentence: 'This token has expired.' },
  token_revoked: { status: 401, sentence: 'This token was revoked.' },
  session_invalid: { status: 401, sentence: 'You are no longer signed in.' },
  role_missing: {
    status: 403,
    sentence: 'None of your groups may use this server: ask its operator for a role.',
  },
  scope_forbidden: { status: 403, sentence: 'The scope of this token does not allow this.' },
  address_forbidden: { status: 403, sentence: 'This token may not be used from this address.' },
  project_forbidden: { status: 403, sentence: 'This token is limited to another project.' },
  project_full: {
    status: 403,
    sentence: 'The project has reached a limit that an admin set: delete runs, or ask an admin to raise it.',
  },
  host_not_allowed: {
    status: 403,
    sentence: 'This service answers on this machine only: use localhost, 127.0.0.1 or [::1] in the address.',
  },
  origin_not_allowed: { status: 403, sentence: 'Pages of other sites may not use this service.' },
  run_not_found: { status: 404, sentence: 'There is no such run: create it first.', thrown: RunNotFound },
  finding_not_found: {
    status: 404,
    sentence: 'There is no such finding.',
    thrown: FindingNotFound,
    path: 'since',
  },
  part_not_found: { status: 404, sentence: 'The run has no such part.', thrown: PartNotFound, path: 'part' },
  channel_not_found: { status: 404, sentence: 'There is no such channel.', thrown: ChannelNotFound },
  delivery_not_found: { status: 404, sentence: 'There is no such delivery.', thrown: DeliveryNotFound },
  mute_not_found: { status: 404, sentence: 'There is no such mute.', thrown: MuteNotFound },
  session_not_found: { status: 404, sentence: 'There is no such session.' },
  token_not_found: { status: 404, sentence: 'There is no such token.', thrown: TokenNotFound },
  route_not_found: { status: 404, sentence: 'No such route.' },
  request_timeout: {
    status: 408,
    sentence: 'The request took too long to arrive.',
    codes: ['ERR_HTTP_REQUEST_TIMEOUT'],
  },
  channel_unsigned: { status: 409, sentence: 'Only webhooks have a secret.' },
  channel_disabled: { status: 409, sentence: 'The channel is disabled: enable it first.' },
  too_many_alert_rules: {
    status: 409,
    sentence: 'There are at most 100 channels and 1,000 mutes.',
    thrown: TooManyAlertRules,
  },
  too_many_tokens: {
    status: 409,
    sentence: 'There are at most 1,000 tokens, revoked ones included.',
    thrown: TooManyTokens,
  },
  too_many_limits: {
    status: 409,
    sentence: 'At most 1,000 projects have limits.',
    thrown: TooManyLimits,
  },
  too_many_runs: { status: 409, sentence: 'The project has reached its limit of runs: delete some first.' },
  too_many_series: {
    status: 409,
    sentence: 'The project has reached its limit of metrics and layers; existing ones are still accepted.',
  },
  body_too_large: {
    status: 413,
    sentence: 'A body has at most 8 MiB, one to sign in with 4 KiB, also after it is decoded.',
    codes: ['FST_ERR_CTP_BODY_TOO_LARGE'],
  },
  too_many_points: { status: 413, sentence: 'A request has at most 10,000 points.' },
  too_many_readings: {
    status: 413,
    sentence: 'A request has at most 1,000,000 readings (points × metrics): send it in parts.',
  },
  too_many_metrics: {
    status: 413,
    sentence: 'A run has at most 256 metrics, 4,096 layers and 16 parts.',
    thrown: TooManyMetrics,
  },
  too_many_events: { status: 413, sentence: 'A run has at most 10,000 events.', thrown: TooManyEvents },
  media_type_unsupported: {
    status: 415,
    sentence: 'A body must be JSON, sent with the header "content-type: application/json".',
    codes: ['FST_ERR_CTP_INVALID_MEDIA_TYPE'],
  },
  encoding_unsupported: {
    status: 415,
    sentence: 'A body may be uncompressed, or encoded with gzip or zstd.',
  },
  expectation_failed: {
    status: 417,
    sentence: 'Only "expect: 100-continue" is supported.',
  },
  upgrade_required: { status: 426, sentence: 'This address is for WebSocket connections only.' },
  too_many_tests: {
    status: 429,
    sentence: 'Too many channels are being tested: try again in a moment.',
    thrown: TooManyTests,
  },
  too_many_requests: {
    status: 429,
    sentence: 'Too many requests per second: wait as long as retry-after says.',
  },
  too_many_waits: {
    status: 429,
    sentence: 'Too many requests are waiting for findings: at most 32 per token.',
  },
  points_too_fast: {
    status: 429,
    sentence: 'Too many points per second for this run: wait as long as retry-after says.',
  },
  bytes_too_fast: {
    status: 429,
    sentence: 'Too many bytes per second for this token: wait as long as retry-after says.',
  },
  too_many_connections: { status: 429, sentence: 'Too many connections are open: close some first.' },
  headers_too_large: {
    status: 431,
    sentence: 'The address and the headers are too long.',
    codes: ['HPE_HEADER_OVERFLOW'],
  },
  internal: { status: 500, sentence: "Internal error; see the server's log." },
  store_unavailable: {
    status: 503,
    sentence: 'The data cannot be read or written now.',
    thrown: StoreUnavailable,
  },
  shutting_down: { status: 503, sentence: 'The service is shutting down: try again in a moment.' },
} as const satisfies Record<string, Reason>

export type RefusalCode = keyof typeof refusals

/** Codes of `error` frames on `/live` that are not refusals of a request. */
export const liveErrors = {
  frame_invalid: 'The message is malformed or of an unknown type; the socket stays open.',
  too_many_watches: 'A socket watches at most 64 runs; unwatch one first.',
} as const satisfies Record<string, string>

/** Characters of a refusal's message: names in it come from the client and may be very long. */
const MAX_MESSAGE = 500
const MAX_PATH = 200

const shortened = (text: string, max: number) => (text.length <= max ? text : `${text.slice(0, max)}…`)

/** Thrown anywhere in a request to refuse it. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: RefusalCode
  readonly details: readonly ErrorDetail[]
  /** Seconds after which to try again; `undefined` if waiting does not help. */
  readonly retryAfter: number | undefined

  constructor(
    code: RefusalCode,
    message?: string,
    details: readonly ErrorDetail[] = [],
    retryAfter = refusals[code].status === 503 ? 1 : undefined,
  ) {
    super(shortened(message || refusals[code].sentence, MAX_MESSAGE))
    this.code = code
    this.details = details.map(({ path, message }) => ({
      path: shortened(path, MAX_PATH),
      message: shortened(message, MAX_MESSAGE),
    }))
    this.retryAfter = retryAfter
  }

  get status(): number {
    return refusals[this.code].status
  }

  get body(): ErrorReply {
    return { error: { code: this.code, message: this.message, details: [...this.details] } }
  }
}

const reasons = Object.entries(refusals as Record<RefusalCode, Reason>) as [RefusalCode, Reason][]

/** The refusal for an error; `undefined` for an unexpected error, which is a failure of the server. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof Refusal || !(error instanceof Error)) return error as Refusal | undefined
  const { code: nodeCode = '' } = error as NodeJS.ErrnoException
  for (const [code, { sentence, thrown, path, codes }] of reasons) {
    if (thrown !== undefined && error instanceof thrown) {
      const { message, details = [] } = error as Error & { details?: readonly ErrorDetail[] }
      return new Refusal(
        code,
        message,
        path === undefined ? details : [{ path, message: message || sentence }],
      )
    }
    if (codes?.includes(nodeCode)) return new Refusal(code)
  }
  return undefined
}
