/** The roads of chat requests: which provider each goes to, with which key, and in which dialect. */

import { inContext } from "../context.js";
import { type DialectName, dialects } from "../dialects.js";
import { BadRequestError, ChatmuxError } from "../errors.js";
import { toError } from "../failure.js";
import type { ClientOptions, HeadersLike } from "../options.js";
import { locate } from "../place.js";
import { toJson } from "../request-body.js";
import { type Roads, setRoads, type Travelling } from "../roads.js";
import { AIHUBMIX, choose, type Provider, toProviders } from "./providers.js";
import { inDialect } from "./in-dialect.js";

/** The headers that carry keys: those of the client belong to its own base URL. */
const KEY_HEADERS = ["authorization", "x-api-key", "api-key", "x-goog-api-key", "proxy-authorization", "cookie"];

const NO_WARNINGS = Object.freeze([]);

const found: Roads = {
  settings: (options: ClientOptions) => ({ providing: toProviders(options) }),

  async take(request, options) {
    options.warnings = NO_WARNINGS;
    const { model: asked } = request as { model?: unknown };
    // What has no model is refused where all requests are; what has its own path goes there.
    if (typeof asked !== "string" || !asked || options.path !== undefined) return request;
    const { provider, model } = choose(asked, options.providing as ReadonlyMap<string, Provider>, options.route);
    if (provider) turn(options, provider);
    const sent = model === asked ? request : { ...request, model };
    if (sent !== request) options.json = toJson(() => sent);
    const dialect = provider && provider.dialect !== "openai" ? provider.dialect : native(model, provider, options);
    if (dialect && model) await speak(dialect, model, options, provider?.dialect !== dialect);
    return sent;
  },
};

setRoads(found);

/** Turns the options of a call to a provider: its address, its key, its headers, and nothing that was meant for another. */
function turn(options: Travelling, { name, baseURL, apiKey, headers, bases }: Provider): void {
  const isSame = baseURL === options.baseURL;
  // The client's own key is the default provider's as well, where it is the same place.
  const key = apiKey ?? (name === AIHUBMIX && isSame ? options.apiKey : undefined);
  const all = joined(isSame ? options.defaultHeaders : keyless(options.defaultHeaders), headers);
  options.defaultHeaders = all;
  if (key == null && !hasKey(all) && !hasKey(toObject(options.headers))) {
    const message = `The provider \`${name}\` has no key. Pass \`providers.${name}.apiKey\` as a string or an async function; a server that needs none takes any text.`;
    throw toError({ kind: "missing_api_key", message });
  }
  options.apiKey = typeof key === "function" && key !== options.apiKey ? inContext(key) : key;
  if (!isSame) {
    options.baseURL = baseURL;
    options.fallbackBaseURLs = [];
    options.bases = bases;
    options.ownHeaders = Object.fromEntries(Object.entries(options.ownHeaders ?? {}).filter(([header]) => header === options.idempotencyHeader));
    options.search = locate({ ...options, defaultQuery: undefined }).search;
  }
}

/** The dialect in which AIHubMix is to be spoken to about a model: its vendor's, where the client wants it so. */
function native(model: string, provider: Provider | undefined, { native: isNative }: Travelling): DialectName | undefined {
  if (!isNative || (provider && provider.name !== AIHUBMIX)) return undefined;
  if (/^claude/i.test(model)) return "anthropic";
  // Of these AIHubMix makes parameters, in OpenAI's form alone: https://docs.aihubmix.com/en/api/Third-PartyIntegrationTechnicalGuide
  return /^gemini/i.test(model) && !/-(nothink|search)$/i.test(model) ? "gemini" : undefined;
}

/** Has the request go in a dialect. */
async function speak(dialect: DialectName, model: string, options: Travelling, isAihubmix: boolean): Promise<void> {
  const translator = await dialects();
  const sent = write();
  options.warnings = sent.losses;
  const isBearer = [options.defaultHeaders, options.headers].some((headers) => toObject(headers)["authorization"] != null);
  options.fetch = inDialect(options, { dialect, sent, isAihubmix, isBearer });

  function write(): ReturnType<typeof translator.request> {
    try {
      return translator.request(dialect, options.json!, { model, isAihubmix, isStrict: !!options.strict });
    } catch (error) {
      // As the provider would have said it.
      if (!(error instanceof ChatmuxError) || error.kind !== "invalid_request") throw error;
      const { error: said } = error as { error?: object };
      throw new BadRequestError(400, said, error.message, undefined);
    }
  }
}

/** Headers over others. */
function joined(under: HeadersLike | null | undefined, over: HeadersLike | null | undefined): Named {
  return { ...toObject(under), ...toObject(over) };
}

function hasKey(headers: Named): boolean {
  return KEY_HEADERS.some((name) => headers[name] != null);
}

function keyless(headers: HeadersLike | null | undefined): Named {
  return Object.fromEntries(Object.entries(toObject(headers)).filter(([name]) => !KEY_HEADERS.includes(name)));
}

/** Headers by their names in lower case. */
type Named = Record<string, string | readonly string[] | null | undefined>;

/** Headers as an object; a list of pairs may give a name several times. */
function toObject(headers: HeadersLike | null | undefined): Named {
  if (typeof headers !== "object" || headers === null) return {};
  const pairs = Symbol.iterator in headers ? [...headers] : Object.entries(headers);
  const object: Named = {};
  for (const [name, value] of pairs) {
    if (value === undefined) continue;
    const key = String(name).toLowerCase();
    const before = object[key];
    object[key] = Symbol.iterator in headers && before != null ? [before, value as string].flat() : (value as string | null);
  }
  return object;
}
