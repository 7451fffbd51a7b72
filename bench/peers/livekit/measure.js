/** The measures of `bench/measure.ts`, so that both sides are counted by the same code. */
export { cpuSeconds, heapUsed, idle, percentiles, quantile, report, sleep } from "../../measure.ts";
