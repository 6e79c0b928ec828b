/** What is shown of a call to people: its headers, its URL, its body, without the keys in them. */

/** What stands where a key was, as in the logs of OpenAI's client. */
const REDACTED = "***";

/** The fewest characters of a key that is taken out of texts, as in `src/error.rs`: a shorter one guards nothing. */
const MIN_SECRET = 6;

/** The most characters of a text in a body that are shown, and how many are shown of a longer one. */
const MAX_TEXT = 500;
const SHOWN = 200;

/** Headers that hold keys: those of providers and proxies, and whatever is named like one. Limits of tokens are none. */
const isSecretHeader = (name: string): boolean =>
  /token|secret|key|auth|cookie|password|signature|session|credential/i.test(name) && !/rate-?limit/i.test(name);

/** Parameters of a query, and members of a body, that hold keys; `max_tokens` is none. */
const isSecretParameter = (name: string): boolean =>
  /(key|token|secret|password|authorization|signature|credential|^sig|^auth|sessionid)$/.test(name.toLowerCase().replace(/[-_]/g, ""));

/** What is known of the keys of one call, which are taken out wherever they stand. */
export class Redactor {
  /** The keys, the longest first, since one may be a part of another. */
  #secrets: string[] = [];

  /** Learns a key, and how it is written in a URL. */
  learn(value: unknown): void {
    if (typeof value !== "string") return;
    // A scheme such as `Bearer` is no secret, and what follows it may stand alone elsewhere.
    const secret = value.replace(/^\s*(?:bearer|basic|token)\s+/i, "").trim();
    for (const written of [secret, new URLSearchParams({ "": secret }).toString().slice(1)]) {
      if (written.length >= MIN_SECRET && !this.#secrets.includes(written)) this.#secrets.push(written);
    }
    this.#secrets.sort((one, other) => other.length - one.length);
  }

  /** A text without the keys, and without the beginning of one where it was cut. */
  text(text: string): string {
    let shown = text;
    for (const secret of this.#secrets) shown = shown.replaceAll(secret, REDACTED);
    for (const secret of this.#secrets) {
      for (let length = secret.length - 1; length >= MIN_SECRET; length--) {
        if (shown.endsWith(secret.slice(0, length))) return shown.slice(0, -length) + REDACTED;
      }
    }
    return shown;
  }

  /** Learns the keys among the headers of a request. */
  learnAll(headers: Headers): void {
    for (const [name, value] of headers) if (isSecretHeader(name)) this.learn(value);
  }

  /** Headers of any class as an object, by their names in lower case. */
  headers(headers: unknown): Record<string, string> {
    const pairs: [string, string][] = [];
    try {
      for (const [name, value] of headers as Iterable<[string, unknown]>) pairs.push([name.toLowerCase(), String(value)]);
    } catch {
      // What cannot be listed is not shown.
      return {};
    }
    return Object.fromEntries(pairs.map(([name, value]) => [name, isSecretHeader(name) ? REDACTED : this.text(value)]));
  }

  /** A URL of the core's, and the keys in it learnt. */
  url(text: string): string {
    const url = new URL(text);
    const secrets = [...url.searchParams].filter(([name]) => isSecretParameter(name));
    for (const [name, value] of secrets) {
      this.learn(value);
      url.searchParams.set(name, REDACTED);
    }
    return this.text(secrets.length ? url.href : text);
  }

  /** The body of a request: a copy of what its JSON says, with long texts shortened; of other bodies what they are. */
  body(body: unknown): unknown {
    if (typeof body !== "string") return body == null ? undefined : Object.prototype.toString.call(body);
    try {
      return JSON.parse(body, (name, value: unknown) => {
        if (typeof value !== "string") return value;
        return isSecretParameter(name) ? REDACTED : shortened(this.text(value));
      });
    } catch {
      return shortened(this.text(body));
    }
  }
}

/** A text, or its beginning and how long it is; of a data URL the type. */
function shortened(text: string): string {
  if (text.length <= MAX_TEXT) return text;
  const [type] = /^data:[^,]{0,100},/.exec(text) ?? [text.slice(0, SHOWN)];
  return `${type}… (${text.length} characters)`;
}
