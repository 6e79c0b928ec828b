/** One contender on one workload in a process of its own: `stream.mjs <module> <job as JSON>` prints µs per event. */

import { prepare, time } from "../lib/sample.mjs";

const [module, job] = process.argv.slice(2);
const { default: contender } = await import(module);
const prepared = prepare(contender, JSON.parse(job));
console.log(JSON.stringify(prepared ? await time(prepared) : null));
process.exit();
