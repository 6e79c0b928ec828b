/** What a fresh machine lacks: Node's packages, Rust's wasm target, the wasm-bindgen tools. Node built-ins only. */

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));
export const cache = join(
  process.env.CHATMUX_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "chatmux"),
);
const windows = process.platform === "win32";

/** Runs a command to its end; its output is shown when it fails, or as it comes with `show`. */
export function run(command, args, { cwd = root, env = {}, show = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: show ? "inherit" : ["ignore", "pipe", "pipe"],
      shell: windows,
    });
    let output = "";
    child.stdout?.on("data", (text) => (output += text));
    child.stderr?.on("data", (text) => (output += text));
    child.on("error", (cause) => reject(new Error(`Cannot run \`${command}\`: ${cause.message}`)));
    child.on("close", (code) =>
      code === 0 ? resolve(output) : reject(new Error(`\`${[command, ...args].join(" ")}\` failed (${code}).\n${output}`)),
    );
  });
}

/** Whether a command is there and answers. */
export function has(command, args = ["--version"]) {
  return spawnSync(command, args, { stdio: "ignore", shell: windows }).status === 0;
}

/** Says what takes long, before it does. */
export function say(text) {
  console.log(`chatmux: ${text}`);
}

/** The npm packages of a folder, when its lock file is newer than what is installed. */
export async function nodeModules(folder = root) {
  const lock = join(folder, "package-lock.json");
  const installed = join(folder, "node_modules", ".package-lock.json");
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  say(`installing the npm packages of ${folder === root ? "the project" : relative(root, folder)}…`);
  // The tests' runtimes bring packages for each platform, and a registry need not have them all: `npm ci` would insist.
  const command = folder === root ? ["ci"] : ["install", "--no-save"];
  await run("npm", [...command, "--no-audit", "--no-fund"], { cwd: folder });
}

/** Cargo and the wasm target. */
export async function rust() {
  if (!has("cargo")) throw new Error("Rust is missing. Install it from https://rustup.rs and run this again.");
  const sysroot = (await run("rustc", ["--print", "sysroot"])).trim();
  if (existsSync(join(sysroot, "lib", "rustlib", "wasm32-unknown-unknown"))) return;
  say("adding Rust's wasm32-unknown-unknown target…");
  await run("rustup", ["target", "add", "wasm32-unknown-unknown"]);
}

/** Rust's formatter and linter, which its smallest installation lacks. */
export async function rustComponents() {
  if (has("cargo", ["fmt", "--version"]) && has("cargo", ["clippy", "--version"])) return;
  say("adding Rust's rustfmt and clippy…");
  await run("rustup", ["component", "add", "rustfmt", "clippy"]);
}

/** The folder of the wasm-bindgen tools, of the very version that the crate is locked to. */
export async function wasmBindgen() {
  const version = /name = "wasm-bindgen"\nversion = "([^"]+)"/.exec(readFileSync(join(root, "Cargo.lock"), "utf8"))[1];
  const folder = join(cache, `wasm-bindgen-${version}`);
  const bin = join(folder, "bin");
  if (!has(join(bin, "wasm-bindgen"))) {
    say(`building the wasm-bindgen ${version} tools, once for this machine (about a minute)…`);
    mkdirSync(folder, { recursive: true });
    // Without --locked: the tool's own lock file names versions that registries may no longer have.
    await run("cargo", ["install", "wasm-bindgen-cli", "--version", version, "--debug", "--force", "--root", folder], {
      env: { CARGO_TARGET_DIR: join(folder, "target") },
    });
  }
  return bin;
}

const BROWSERS = {
  chromium: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
  chromedriver: ["chromedriver"],
  firefox: ["firefox-esr", "firefox"],
};

/**
 * Where the browsers are: `{ chromium, chromedriver, firefox }`, each a path or undefined. `CHROMIUM`, `CHROMEDRIVER` and
 * `FIREFOX` name others. What is missing is installed where that takes no password: by root, with apt-get.
 */
export async function browsers() {
  const find = () =>
    Object.fromEntries(
      Object.entries(BROWSERS).map(([name, commands]) => [name, process.env[name.toUpperCase()] ?? commands.map(which).find(Boolean)]),
    );
  const found = find();
  const missing = Object.keys(BROWSERS).filter((name) => !found[name]);
  if (!missing.length || process.getuid?.() !== 0 || !has("apt-get")) return found;
  say(`installing ${missing.join(", ")} with apt-get…`);
  try {
    const packages = { chromium: "chromium", chromedriver: "chromium-driver", firefox: "firefox-esr" };
    await run("apt-get", ["update"]);
    await run("apt-get", ["install", "-y", "--no-install-recommends", ...missing.map((name) => packages[name])], {
      env: { DEBIAN_FRONTEND: "noninteractive" },
    });
  } catch (error) {
    say(`that failed: ${error.message}`);
  }
  return find();
}

/** The path of a command, if there is one of this name. */
function which(command) {
  const { status, stdout } = spawnSync(windows ? "where" : "which", [command], { encoding: "utf8" });
  return status === 0 ? stdout.split(/\r?\n/)[0].trim() : undefined;
}
