/**
 * fast-check with dice that fall the same each time, so that a change is never red by chance.
 *
 * `REPARTEE_SEED=random` throws them anew, and a number throws those: a property that fails prints its seed.
 */
import process from "node:process";
import fc from "fast-check";

const asked = process.env["REPARTEE_SEED"];
const seed = asked === "random" ? Math.floor(Math.random() * 2 ** 31) : Number(asked ?? 20_261_127);
if (!Number.isInteger(seed)) {
  throw new Error(`Cannot throw dice as REPARTEE_SEED must be an integer or "random": current value is ${asked}`);
}
fc.configureGlobal({ seed });

export default fc;
