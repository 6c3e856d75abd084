/** Whether the run of `series.py` has a spike at this step: a norm of 40 to 60 for one step. */
export const isSpike = (step: number): boolean => step % 2161 === 2000
