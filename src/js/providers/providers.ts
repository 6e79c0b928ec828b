/** The providers of a client: what was said of them, checked, and which of them a model goes to. */

import { environment, given, isBrowser, parseBaseURL, trimmed } from "../complete.js";
import { ChatmuxError } from "../errors.js";
import type { ClientOptions, Dialect, ProviderOptions, Route } from "../options.js";

/** A provider, as requests go to it. */
export interface Provider {
  name: string;
  /** Without a slash at its end. */
  baseURL: string;
  dialect: Dialect;
  apiKey: ClientOptions["apiKey"];
  headers: ProviderOptions["headers"];
  models: RegExp[];
  /** What is known of its address, for all calls. */
  bases: object;
}

/** The built-in names: where each provider is, how it is spoken to, the ids of its own models, and its keys in the environment. */
const BUILT_IN: Record<string, [baseURL: string, dialect: Dialect, family: RegExp | undefined, ...keys: string[]]> = {
  aihubmix: ["https://aihubmix.com/v1", "openai", undefined, "AIHUBMIX_API_KEY"],
  openai: ["https://api.openai.com/v1", "openai", /^(gpt-|chatgpt-|o\d|codex-|ft:gpt-|ft:o\d)/i, "OPENAI_API_KEY"],
  anthropic: ["https://api.anthropic.com", "anthropic", /^claude/i, "ANTHROPIC_API_KEY"],
  gemini: ["https://generativelanguage.googleapis.com", "gemini", /^gemini/i, "GEMINI_API_KEY", "GOOGLE_API_KEY"],
};
/** The default provider's name. */
export const AIHUBMIX = "aihubmix";
const DIALECTS: readonly unknown[] = ["openai", "anthropic", "gemini"];

/** The providers, checked. @throws {ChatmuxError} that says what is wrong with which. */
export function toProviders({ providers, route, dangerouslyAllowBrowser }: ClientOptions): Map<string, Provider> {
  if (route != null && typeof route !== "function") throw new ChatmuxError("`route` must be a function of the model's id.");
  if (providers != null && (typeof providers !== "object" || Array.isArray(providers))) {
    throw new ChatmuxError("`providers` must be an object of names and providers, such as `{ anthropic: { apiKey } }`.");
  }
  const mayShow = dangerouslyAllowBrowser || !isBrowser();
  return new Map(Object.entries(providers ?? {}).map(([name, options]) => [name, toProvider(name, options, mayShow)]));
}

function toProvider(name: string, options: ProviderOptions, mayShow: boolean): Provider {
  const at = `providers.${name}`;
  if (!/^[^/\s]+$/.test(name)) throw new ChatmuxError("The name of a provider must not be empty, nor hold a slash or a space.");
  if (typeof options !== "object" || options === null) {
    throw new ChatmuxError(`\`${at}\` must be an object such as \`{ baseURL, apiKey }\`.`);
  }
  const [base, own, , ...keys] = (Object.hasOwn(BUILT_IN, name) && BUILT_IN[name]) || ["", "openai" as const, undefined];
  const { dialect = own, headers, models } = options;
  if (dialect !== null && !DIALECTS.includes(dialect)) {
    throw new ChatmuxError(`\`${at}.dialect\` must be one of ${DIALECTS.map((one) => `"${one}"`).join(", ")}.`);
  }
  if (models != null && (!Array.isArray(models) || models.some((one) => typeof one !== "string"))) {
    throw new ChatmuxError(`\`${at}.models\` must be a list of models' ids, in which \`*\` stands for any text.`);
  }
  const said = given(options.baseURL, `${at}.baseURL`) || base;
  if (!said) throw new ChatmuxError(`\`${at}.baseURL\` is missing: the root of its API, such as \`https://api.example.com/v1\`.`);
  const url = parseBaseURL(said, `${at}.baseURL`);
  // A key of the environment goes nowhere but to the host that it is named after.
  const isAtHome = base !== "" && url.protocol === "https:" && url.host === new URL(base).host;
  const apiKey = options.apiKey ?? (isAtHome ? keys.map(environment).find(Boolean) : undefined);
  if (typeof apiKey === "string" && !mayShow) {
    throw new ChatmuxError(
      `The plain-text \`${at}.apiKey\` can be read by everyone who opens the page. Pass an async function that fetches a short-lived ` +
        "key, call your own gateway, or, if you accept the risk, set `dangerouslyAllowBrowser: true`.",
    );
  }
  return {
    ...{ name, baseURL: trimmed(url), dialect: dialect ?? own, apiKey, headers },
    ...{ models: (models ?? []).map(toPattern), bases: {} },
  };
}

/** What a glob of ids stands for. */
function toPattern(glob: string): RegExp {
  return new RegExp(`^${glob.split("*").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join(".*")}$`, "is");
}

/** Which provider a model goes to, and its id there: the first of the rules that says something. Nothing is the client itself. */
export function choose(
  model: string,
  providers: ReadonlyMap<string, Provider>,
  route: ClientOptions["route"],
): { provider: Provider | undefined; model: string } {
  const routed = toRoute(route?.(model));
  if (routed) {
    const provider = providers.get(routed.provider);
    if (!provider && routed.provider !== AIHUBMIX) {
      throw new ChatmuxError(`\`route\` sends \`${model}\` to \`${routed.provider}\`, which is none of the \`providers\`.`);
    }
    return { provider, model: routed.model ?? model };
  }
  const slash = model.indexOf("/");
  const prefix = slash > 0 ? providers.get(model.slice(0, slash)) : undefined;
  if (prefix) return { provider: prefix, model: model.slice(slash + 1) };
  const all = [...providers.values()];
  const isOwn = ({ name }: Provider): boolean => Object.hasOwn(BUILT_IN, name) && !!BUILT_IN[name]![2]?.test(model);
  const provider = all.find(isOwn) ?? all.find(({ models }) => models.some((pattern) => pattern.test(model)));
  return { provider: provider ?? providers.get(AIHUBMIX), model };
}

function toRoute(route: Route): { provider: string; model?: string | undefined } | undefined {
  if (route == null || route === "") return undefined;
  const { provider, model } = typeof route === "string" ? { provider: route, model: undefined } : route;
  if (typeof provider !== "string" || (model !== undefined && (typeof model !== "string" || !model))) {
    throw new ChatmuxError("`route` must return the name of a provider, `{ provider, model }`, or nothing.");
  }
  return { provider, model };
}
