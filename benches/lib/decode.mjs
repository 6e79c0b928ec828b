/** The tables of the decoding benches, which are alike in every runtime. */

import { compare, contenders, digits, interleave, note, table } from "./measure.mjs";

/** How many events a stream of the decoding benches has. */
export const COUNT = 10_000;

export const PACKINGS = { event: "one event a read", 16384: "16 KiB reads", 1021: "1021-byte reads" };

/** A job is a workload and how it is cut into reads: `JOBS=text:event,cjk:1021` takes others. */
export function jobs(names) {
  return (process.env.JOBS?.split(",") ?? names).map((name) => {
    const [workload, packing] = name.split(":");
    return { name: workload, packing, count: COUNT };
  });
}

/**
 * Measures the contenders on each job with `sample(subject, job)`, which resolves to `{ cpu, wall }` in µs per event: all of them, or those `among`
 * them. Returns the tables, `tables`, and `ratios[workload:packing][id]` for the figure that the runtime is judged by.
 */
export async function decode(where, names, sample, { figures, rounds, among }) {
  const subjects = await contenders(among);
  const [tables, ratios] = [{}, {}];
  for (const job of jobs(names)) {
    const key = `${job.name}:${job.packing}`;
    const samples = await interleave(subjects, (subject) => sample(subject, job), rounds);
    if (!samples.floor) {
      note(`FAILED: there is no floor for ${key} in ${where}`);
      continue;
    }
    const rows = [["", ...figures.flatMap((figure) => [`${LABELS[figure]}, µs/event`, "× floor"])]];
    ratios[key] = {};
    for (const { id, contender } of subjects.filter(({ id }) => samples[id])) {
      const compared = figures.map((figure) => compare(samples[id], samples.floor, figure));
      rows.push([contender.name, ...compared.flatMap(({ value, ratio }) => [digits(value), digits(ratio)])]);
      ratios[key][id] = compared[0].ratio;
    }
    tables[key] = { title: `${where}: ${job.name}, ${PACKINGS[job.packing] ?? `${job.packing}-byte reads`}`, rows };
    console.log(`\n${tables[key].title}\n\n${table(rows)}`);
  }
  return { tables, ratios, subjects };
}

const LABELS = { cpu: "CPU", wall: "time" };
