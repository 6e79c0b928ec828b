/** One contender on one workload, in whatever runtime this is loaded into: run, checked, timed. */

import { streaming, workload } from "./workloads.mjs";

/** Where the requests go: nowhere, the `fetch` of a bench answers by itself. */
export const BASE_URL = "http://127.0.0.1:9/v1";
export const REQUEST = { model: "gpt-4o-mini", messages: [{ role: "user", content: "What is the meaning of life?" }] };

/**
 * `run` has the contender read the workload once, and resolves to a function that throws when what was found is not what the
 * workload says: nobody is fast by being wrong. `undefined` where the contender has nothing to do with such a stream.
 */
export function prepare(contender, { name, packing, count, repeat }) {
  if (contender.skips?.includes(name)) return undefined;
  const work = workload(name, count, repeat);
  const { stream } = contender.setup({ fetch: streaming(work, packing), baseURL: BASE_URL });
  const expected = work.expected[contender.gives];
  const run = async () => {
    const found = await stream(work);
    return () => {
      // What gives one text for all has no count.
      const isRight = found.text === expected.text && (found.count ?? expected.count) === expected.count;
      if (!isRight) throw new Error(`${contender.name} is wrong on ${name}: ${describe(found)} instead of ${describe(expected)}`);
    };
  };
  return { run, count: work.count };
}

const describe = ({ text, count }) => `${count} items with ${text.length} characters`;

/** Runs `run` until `ms` have passed; the slow ones once. */
export async function repeatFor(ms, run) {
  const start = performance.now();
  do await run();
  while (performance.now() - start < ms);
}

/**
 * The median cost of a run that deals with `count` things, in µs for each: by the clock, and in CPU time where it can be told. The
 * check of what a run resolves to is not part of it.
 */
export async function time({ run, count }, { warm = 200, measured = 300 } = {}) {
  await repeatFor(warm, async () => (await run())());
  const [wall, cpu] = [[], []];
  await repeatFor(measured, async () => {
    const [cpuStart, start] = [cpuTime(), performance.now()];
    const check = await run();
    wall.push(((performance.now() - start) * 1000) / count);
    cpu.push((cpuTime() - cpuStart) / count);
    check();
  });
  return { wall: median(wall), cpu: median(cpu) };
}

/** The CPU time of this process, all threads, in µs: Node alone tells. */
function cpuTime() {
  const usage = globalThis.process?.cpuUsage?.();
  return usage ? usage.user + usage.system : NaN;
}

export function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
