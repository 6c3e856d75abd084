/** Bounds every client may rely on. They are part of the wire contract. */

/** Points in one request. */
export const MAX_POINTS_PER_REQUEST = 10_000
/** Readings in one request: points × metrics, layers included. */
export const MAX_READINGS_PER_REQUEST = 1_000_000
/** Bytes of one request body, after its content encoding is undone. */
export const MAX_BODY_BYTES = 8 * 1024 * 1024
/** Metrics of one run, layers not counted. */
export const MAX_METRICS_PER_RUN = 256
/** Layers of one run. */
export const MAX_LAYERS_PER_RUN = 4_096
/** Parts of one run. */
export const MAX_PARTS_PER_RUN = 16
/** Characters of a part's name. */
export const MAX_PART_NAME_LENGTH = 64
/** Characters of a metric's or a layer's name. */
export const MAX_METRIC_NAME_LENGTH = 128
/** Characters of a run's id. */
export const MAX_RUN_ID_LENGTH = 64
/** Levels of objects and lists in a run's `config`, itself included. */
export const MAX_CONFIG_DEPTH = 32
/** Bytes of a run's `config` as JSON. */
export const MAX_CONFIG_BYTES = 64 * 1024
/** Buckets of one series in a chart reply. */
export const MAX_BUCKETS = 4_000
/** Buckets of one series when the request does not say. */
export const DEFAULT_BUCKETS = 1_000
/** The largest step: JSON numbers are exact up to here (2^53 - 1). */
export const MAX_STEP = Number.MAX_SAFE_INTEGER
/** The largest `time` in Unix seconds (year 5138): a time in milliseconds is refused, not misread. */
export const MAX_TIME = 1e11
/** Live frames one reader gets in a second, at the most. */
export const MAX_FRAMES_PER_SECOND = 20
/** Bytes of one live message from a client. */
export const MAX_LIVE_MESSAGE_BYTES = 64 * 1024
