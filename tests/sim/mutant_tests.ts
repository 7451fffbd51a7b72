/** The tests of the machines, in one process: what a mutant has to pass that broke no rule. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "../property.ts";

fc.configureGlobal({ seed: 1 }); // the same mutant is caught by the same test each time

for (const folder of ["turn", "stage"]) {
  const path = fileURLToPath(new URL(`../${folder}/`, import.meta.url));
  for (const name of readdirSync(path).sort()) {
    if (name.endsWith("_test.ts")) await import(`../${folder}/${name}`);
  }
}
