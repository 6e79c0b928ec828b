/** Whole answers of one size by one contender: `calls.mjs <module> <bytes>` prints µs per call. */

import { BASE_URL, time } from "../lib/sample.mjs";
import { answering, whole } from "../lib/workloads.mjs";

const [module, bytes] = process.argv.slice(2);
const { default: contender } = await import(module);
const { body, text } = whole(Number(bytes));
const { complete } = contender.setup({ fetch: answering(body), baseURL: BASE_URL });
// Many calls a run, so that a run is longer than the steps of the CPU clock.
const count = Math.ceil(2_000_000 / (20_000 + Number(bytes)));

async function run() {
  for (let call = 0; call < count; call++) {
    if ((await complete()) !== text) throw new Error(`${contender.name} returned another text`);
  }
}

console.log(JSON.stringify(complete ? await time({ run, count }) : null));
process.exit();
