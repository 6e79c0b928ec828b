/** The recorded answers of providers that speak OpenAI's format: what CHATMUX_FIXTURES names, which is no part of this repository. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.env.CHATMUX_FIXTURES;

/** Whether, and why, a test of them is skipped. */
export const skip = folder ? false : "CHATMUX_FIXTURES is not set";

const index = () => JSON.parse(readFileSync(join(folder, "index.json"), "utf8"));

/** Each recorded stream in OpenAI's format: its name, and its events as texts. */
export function recordedStreams() {
  return index()
    .filter(({ dialect, kind, stream }) => dialect === "openai" && (kind === "chunks" || stream))
    .map(({ file, kind }) => ({ file, events: kind === "chunks" ? lines(file) : eventsOf(read(`${file}.response.sse`)) }));
}

/** Each recorded answer, of whatever format: its name, and every JSON value that it is made of. */
export function recordedValues() {
  return index().map(({ file, kind }) => {
    if (kind === "body") return { file, values: [JSON.parse(read(file))] };
    if (kind === "chunks") return { file, values: lines(file).map((line) => JSON.parse(line)) };
    if (kind === "sse") return { file, values: eventsOf(read(file)).map((event) => JSON.parse(event)) };
    const whole = `${file}.response.json`;
    const values = existsSync(join(folder, whole)) ? [read(whole)] : eventsOf(read(`${file}.response.sse`));
    return { file, values: values.map((text) => JSON.parse(text)) };
  });
}

const read = (file) => readFileSync(join(folder, file), "utf8");

const lines = (file) => read(file).split("\n").filter((line) => line.trim() !== "");

const eventsOf = (sse) =>
  sse
    .split(/\r?\n/)
    .filter((line) => line.startsWith("data:"))
    .map((line) => line.slice(5).trim())
    .filter((data) => data !== "[DONE]" && data !== "");
