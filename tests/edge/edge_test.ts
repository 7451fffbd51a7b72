/** The edge cases in the place that runs the suite. The bare isolate runs the same in `scripts/test_workerd.ts`. */
import { test } from "node:test";
import { detectRuntime } from "../../adapters/runtime/detect.ts";
import { cases } from "./cases.ts";

for (const { name, run } of cases) test(name, () => run(detectRuntime()));
