/** What a metric is about, told by its name; names such as `train/lr` and `actor/lr` count as well. */
const named = (words: string): RegExp => new RegExp(`(^|[/_.-])(${words})($|[/_.-])`, 'i')

const LR = named('lr|learning_rate')
const LOSS = named('loss')
const PACE = named('perf|timing|time|duration|throughput|mfu|fps|seconds?|secs?|ms|speed')

export const isLr = (metric: string): boolean => LR.test(metric)
export const isLoss = (metric: string): boolean => LOSS.test(metric)
/** How long steps took. */
export const isPace = (metric: string): boolean => PACE.test(metric)
