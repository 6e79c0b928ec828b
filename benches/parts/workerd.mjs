/**
 * Decoding in workerd, the runtime of Cloudflare's workers. Its clock stands still while a request is served, so that the CPU time
 * of the process is what counts; Linux tells it to the nanosecond.
 */

import { spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { bundle, scratch } from "../lib/bundle.mjs";
import { decode } from "../lib/decode.mjs";
import { host } from "../lib/hosts.mjs";
import { contenders, note } from "../lib/measure.mjs";
import { median, repeatFor } from "../lib/sample.mjs";

const JOBS = ["text:event", "text:16384", "irregular:16384"];

export async function run() {
  if (process.platform !== "linux") return note("skipped: workerd (its CPU time is read from Linux's /proc)");
  const { default: binary, version } = await host("workerd");
  const workers = {};
  for (const { id, path } of await contenders()) workers[id] = await worker(id, path);
  const sample = ({ id }, job) => serving(binary, workers[id], (url) => measure(url, job));
  const { tables, ratios } = await decode("workerd", JOBS, sample, { figures: ["cpu"] });
  return {
    tables: Object.fromEntries(Object.entries(tables).map(([job, { rows }]) => [`workerd ${job}`, rows])),
    figures: ratios,
    versions: { workerd: version },
  };
}

/** Bundles a worker that runs its contender once a request, and returns the file of its configuration without the port. */
async function worker(id, path) {
  const folder = scratch(join("workerd", id));
  const source = `
    import contender from ${JSON.stringify(path)};
    import { prepare } from "./lib/sample.mjs";
    let prepared;
    export default {
      async fetch(request) {
        const job = new URL(request.url).searchParams.get("job");
        if (!job) return Response.json(null);
        prepared ??= prepare(contender, JSON.parse(job)) ?? {};
        try {
          (await prepared.run?.())?.();
          return Response.json({ count: prepared.count });
        } catch (error) {
          return new Response(error.stack, { status: 500 });
        }
      },
    };`;
  const files = await bundle(source, folder, { conditions: ["workerd"], external: ["node:*", "async_hooks"] });
  const modules = files.map(({ path }) => {
    const name = basename(path);
    return name.endsWith(".wasm") ? `(name = "./${name}", wasm = embed "${name}")` : `(name = "${name}", esModule = embed "${name}")`;
  });
  // The first module is the worker.
  modules.sort((one, other) => Number(one.includes("wasm =")) - Number(other.includes("wasm =")));
  return (port) => {
    const file = join(folder, "config.capnp");
    writeFileSync(
      file,
      `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [${modules}],
  compatibilityDate = "2026-01-01",
  compatibilityFlags = ["nodejs_compat"],
);
`,
    );
    return file;
  };
}

/** Runs workerd with this worker for as long as `use` takes. */
async function serving(binary, configuration, use) {
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const child = spawn(binary, ["serve", configuration(port)], { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.on("data", (text) => (errors += text));
  const ended = new Promise((resolve) => child.on("close", resolve));
  try {
    const url = `http://127.0.0.1:${port}/`;
    for (let tries = 0; !(await fetch(url).catch(() => null)); tries++) {
      if (child.exitCode !== null || tries > 100) throw new Error(errors.slice(0, 600) || "workerd does not answer");
      await sleep(50);
    }
    return await use({ url, cpu: () => cpuTime(child.pid) });
  } finally {
    child.kill();
    await ended;
  }
}

async function measure({ url, cpu }, job) {
  let count;
  const once = async () => {
    const response = await fetch(`${url}?job=${encodeURIComponent(JSON.stringify(job))}`);
    if (!response.ok) throw new Error(await response.text());
    ({ count } = await response.json());
  };
  await repeatFor(300, once);
  if (count === undefined) return null;
  const samples = [];
  await repeatFor(350, async () => {
    const start = cpu();
    await once();
    samples.push((cpu() - start) / count);
  });
  return { cpu: median(samples) };
}

/** The CPU time of all threads of a process, in µs. */
function cpuTime(pid) {
  const threads = `/proc/${pid}/task`;
  const times = readdirSync(threads).map((thread) => Number(readFileSync(join(threads, thread, "schedstat"), "utf8").split(" ")[0]));
  return times.reduce((sum, time) => sum + time, 0) / 1000;
}
