/** One translator on one stream in a process of its own: `dialects.mjs <module> <job as JSON>` prints µs per event. */

import { prepare } from "../lib/dialects.mjs";
import { time } from "../lib/sample.mjs";

const [module, job] = process.argv.slice(2);
const { default: contender } = await import(module);
console.log(JSON.stringify(await time(await prepare(contender, JSON.parse(job)))));
process.exit();
