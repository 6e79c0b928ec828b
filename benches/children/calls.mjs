/** Whole answers of one size by one contender: `calls.mjs <module> <bytes>` prints µs per call. */

import { BASE_URL, time } from "../lib/sample.mjs";
import { answering, whole } from "../lib/workloads.mjs";

const [module, bytes] = process.argv.slice(2);
const { default: contender } = await import(module);
const { body, text } = whole(Number(bytes));
const { complete } = contender.setup({ fetch: answering(body), baseURL: BASE_URL });
const isSmall = bytes < 20_000;
// Many calls a run, so that a run is longer than the steps of the CPU clock.
const count = isSmall ? 100 : 10;
// The same number of calls for all: in the same time, a fast contender would have got warmer than a slow one.
const warm = isSmall ? 5000 : 500;

async function run() {
  const texts = [];
  for (let call = 0; call < count; call++) texts.push(await complete());
  return () => {
    if (texts.some((other) => other !== text)) throw new Error(`${contender.name} returned another text`);
  };
}

if (complete) for (let call = 0; call < warm; call += count) (await run())();
console.log(JSON.stringify(complete ? await time({ run, count }, { warm: 0 }) : null));
process.exit();
