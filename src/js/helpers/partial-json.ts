/** JSON that is still being written: what it says so far. */

type Members = Record<string, unknown>;

/** What comes next, or what is being read. */
type State = "value" | "first item" | "first key" | "key" | "colon" | "after" | "string" | "escape" | "number" | "literal";

/** A list or an object that is still open. Finished values alone are in `has`. */
interface Frame {
  has: unknown[] | Members;
  /** The name of the member that is being read. */
  key: string;
  /** What it costs to copy it. */
  cost: number;
}

/** How deep lists and objects may nest. */
const MAX_DEPTH = 128;
/** How much may be copied for the values that are read: so many items, and so many more a character. */
const COPIES = 1 << 22;
const COPIES_A_CHARACTER = 32;
/** A member of an object counts as so many items of a list. */
const MEMBER = 16;
/** Stands for a value of which nothing is known. */
const NOTHING = Symbol();

const BLANK = " \n\r\t";
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", '"': '"', "\\": "\\", "/": "/" };
const LITERALS: Readonly<Record<string, readonly [string, unknown]>> = { t: ["true", true], f: ["false", false], n: ["null", null] };
/** The longest runs of characters that need no look at each. */
const PLAIN = /[^"\\\u0000-\u001f]+/y;
const DIGITS = /[-+.0-9eE]+/y;
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/;

/**
 * Reads a JSON text that comes in pieces, each character once.
 *
 * Of what is unfinished the value has what is known, as the `parsed` of openai's helpers has it: a string as far as it
 * goes, `true`, `false` and `null` from their first letter on; no number that may still grow (but for one that is all
 * there is), and no member before something of its value is there. A text that is no JSON is no error: the value stays
 * what it was before the mistake. So is one that nests deeper than 128 levels.
 *
 * @example
 * const json = new PartialJson();
 * json.add('{"name":"Ad');
 * json.value; // { name: "Ad" }
 * json.add('a","born":181');
 * json.value; // { name: "Ada" }
 */
export class PartialJson {
  readonly #frames: Frame[] = [];
  /** The pieces that nobody wanted to know of yet. */
  readonly #unread: string[] = [];
  #state: State = "value";
  /** The string, number or literal that is being read, and the escape in it. */
  #text = "";
  #escape = "";
  #isKey = false;
  #isBad = false;
  #whole: unknown = NOTHING;
  #given: unknown;
  #isGiven = true;
  #length = 0;
  #copies = 0;

  /** Adds the next piece of the text, which is read when somebody wants to know. */
  add(text: string): void {
    if (text) this.#unread.push(text);
  }

  #readAll(): void {
    for (const text of this.#unread.splice(0)) {
      this.#length += text.length;
      if (this.#isBad) continue;
      this.#isGiven = false;
      for (let at = 0; at < text.length && !this.#isBad; ) at = this.#read(text, at);
    }
  }

  /** Whether it is a whole list or object. */
  get isWhole(): boolean {
    this.#readAll();
    return this.#whole !== NOTHING && !this.#isBad;
  }

  /**
   * What is known so far; `undefined` before there is anything. A value that was given is not changed any more: the next
   * one is another object, which shares the finished parts with it, so treat it as read-only. All values together cost no
   * more than a few copies a character: of lists and objects with thousands of items a value may be some characters
   * behind, until the text is whole.
   */
  get value(): unknown {
    this.#readAll();
    if (this.#isGiven) return this.#given;
    const cost = this.#frames.reduce((sum, frame) => sum + frame.cost, this.#state === "number" ? this.#text.length : 0);
    const isWhole = this.#whole !== NOTHING;
    if (!isWhole && this.#copies + cost > COPIES + COPIES_A_CHARACTER * this.#length) return this.#given;
    if (!isWhole) this.#copies += cost;
    this.#isGiven = true;
    return (this.#given = isWhole ? this.#whole : this.#copy());
  }

  /** The open lists and objects once more, each in the one around it. */
  #copy(): unknown {
    let inner = this.#open();
    for (let at = this.#frames.length - 1; at >= 0; at--) {
      const { has, key } = this.#frames[at]!;
      const copy = Array.isArray(has) ? [...has] : { ...has };
      if (inner !== NOTHING) place(copy, key, inner);
      inner = copy;
    }
    return inner === NOTHING ? undefined : inner;
  }

  /** What is known of the string, number or literal that is being read. */
  #open(): unknown {
    switch (this.#state) {
      case "string":
      case "escape":
        return this.#isKey ? NOTHING : this.#text;
      case "literal":
        return LITERALS[this.#text[0]!]![1];
      case "number": {
        // One in a list or an object may go on; one by itself has no end.
        const known = this.#frames.length ? null : NUMBER.exec(this.#text);
        return known ? Number(known[0]) : NOTHING;
      }
      default:
        return NOTHING;
    }
  }

  /** Reads on from a place in the text, and returns how far. */
  #read(text: string, at: number): number {
    const character = text[at]!;
    switch (this.#state) {
      case "string":
        return this.#readString(text, at);
      case "escape":
        this.#readEscape(character);
        return at + 1;
      case "literal":
        this.#readLiteral(character);
        return at + 1;
      case "number": {
        const digits = run(DIGITS, text, at);
        this.#text += digits;
        if (at + digits.length < text.length) this.#endNumber();
        return at + digits.length;
      }
      default:
        if (!BLANK.includes(character)) this.#begin(character);
        return at + 1;
    }
  }

  #readString(text: string, at: number): number {
    const plain = run(PLAIN, text, at);
    this.#text += plain;
    const end = text[at + plain.length];
    if (end === '"') this.#endString();
    else if (end === "\\") this.#state = "escape";
    else if (end !== undefined) this.#isBad = true;
    return at + plain.length + 1;
  }

  #readEscape(character: string): void {
    this.#escape += character;
    const [kind] = this.#escape;
    let meant: string | undefined;
    if (kind !== "u") {
      meant = Object.hasOwn(ESCAPES, kind!) ? ESCAPES[kind!] : undefined;
      this.#isBad = meant === undefined;
    } else if (this.#escape.length > 1 && !/[0-9a-fA-F]/.test(character)) {
      this.#isBad = true;
    } else if (this.#escape.length === 5) {
      meant = String.fromCharCode(parseInt(this.#escape.slice(1), 16));
    }
    if (meant === undefined) return;
    this.#text += meant;
    this.#escape = "";
    this.#state = "string";
  }

  #readLiteral(character: string): void {
    const [name, value] = LITERALS[this.#text[0]!]!;
    if (name[this.#text.length] !== character) {
      this.#isBad = true;
      return;
    }
    this.#text += character;
    if (this.#text.length === name.length) this.#end(value);
  }

  /** Reads a character between values, or the first one of a value. */
  #begin(character: string): void {
    const frame = this.#frames.at(-1);
    const isList = Array.isArray(frame?.has);
    switch (this.#state) {
      case "first key":
      case "key":
        if (character === '"') this.#beginText("string", "", true);
        else if (character === "}" && this.#state === "first key") this.#close();
        else this.#isBad = true;
        return;
      case "colon":
        if (character === ":") this.#state = "value";
        else this.#isBad = true;
        return;
      case "after":
        if (frame && character === ",") this.#state = isList ? "value" : "key";
        else if (frame && character === (isList ? "]" : "}")) this.#close();
        else this.#isBad = true;
        return;
      default:
        if (character === "]" && this.#state === "first item") this.#close();
        else this.#beginValue(character);
    }
  }

  #beginValue(character: string): void {
    if (character === '"') this.#beginText("string", "");
    else if (character === "{" || character === "[") this.#nest(character === "[");
    else if (Object.hasOwn(LITERALS, character)) this.#beginText("literal", character);
    else if (/[-0-9]/.test(character)) this.#beginText("number", character);
    else this.#isBad = true;
  }

  #beginText(state: State, text: string, isKey = false): void {
    this.#state = state;
    this.#text = text;
    this.#isKey = isKey;
  }

  #nest(isList: boolean): void {
    this.#isBad = this.#frames.length >= MAX_DEPTH;
    if (this.#isBad) return;
    this.#frames.push({ has: isList ? [] : {}, key: "", cost: MEMBER });
    this.#state = isList ? "first item" : "first key";
  }

  #close(): void {
    this.#end(this.#frames.pop()!.has);
  }

  #endString(): void {
    if (!this.#isKey) return this.#end(this.#text);
    this.#frames.at(-1)!.key = this.#text;
    this.#state = "colon";
  }

  #endNumber(): void {
    const isNumber = NUMBER.exec(this.#text)?.[0].length === this.#text.length;
    if (isNumber) this.#end(Number(this.#text));
    else this.#isBad = true;
  }

  /** A value is finished. */
  #end(value: unknown): void {
    this.#state = "after";
    const frame = this.#frames.at(-1);
    if (!frame) {
      this.#whole = value;
      return;
    }
    place(frame.has, frame.key, value);
    frame.cost += Array.isArray(frame.has) ? 1 : MEMBER;
  }
}

/** Adds an item to a list, or a member to an object: one of any name, without touching what the object is. */
function place(into: unknown[] | Members, key: string, value: unknown): void {
  if (Array.isArray(into)) into.push(value);
  else if (key !== "__proto__") into[key] = value;
  else Object.defineProperty(into, key, { value, writable: true, enumerable: true, configurable: true });
}

/** The run of such characters that begins there. */
function run(characters: RegExp, text: string, at: number): string {
  characters.lastIndex = at;
  return characters.exec(text)?.[0] ?? "";
}
