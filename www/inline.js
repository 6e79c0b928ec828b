/**
 * The inside of a markdown paragraph → a DocumentFragment: emphasis, code, links, line breaks. Model text is hostile text, so it
 * only ever becomes text nodes and the few elements named here; HTML in it stays text.
 *
 * With `open`, the text is the unfinished end of a stream: what has begun is shown as if it were closed already, and marks
 * that may yet become something are held back, so that nothing flickers from `**bo` to bold.
 */

import { h } from "./dom.js";

export function inline(text, open = false) {
  const state = { text, at: 0, open, plain: "", stack: [frame("")], noCode: new Set() };
  while (state.at < text.length) {
    PLAIN.lastIndex = state.at;
    const run = PLAIN.exec(text)?.[0];
    if (run) {
      state.plain += run;
      state.at += run.length;
      continue;
    }
    const character = text[state.at];
    if (RULES[character]?.(state)) continue;
    state.plain += character;
    state.at += 1;
  }
  while (state.stack.length > 1) dropOrClose(state);
  flush(state);
  return state.stack[0].inside;
}

const PLAIN = /[^\\`*_~[\]!<&hm\n]+/y;

const RULES = {
  "\\": escape,
  "`": code,
  "*": emphasis,
  _: emphasis,
  "~": emphasis,
  "[": (state) => openBracket(state, "["),
  "!": (state) => state.text[state.at + 1] === "[" && openBracket(state, "!["),
  "]": closeBracket,
  "<": angle,
  "&": entity,
  h: address,
  m: address,
  "\n": lineBreak,
};

/** One begun mark and what has come since. `count` marks are left of `length`. */
function frame(mark, count = 0, closes = false) {
  return { mark, count, length: count, closes, holdsLink: false, inside: document.createDocumentFragment() };
}

/** Deeper nesting than this is an attack, not a text: its marks stay text, and the work stays linear. */
const MAX_FRAMES = 40;

function flush(state) {
  if (state.plain === "") return;
  state.stack.at(-1).inside.append(state.plain);
  state.plain = "";
}

function push(state, node) {
  flush(state);
  state.stack.at(-1).inside.append(node);
}

const signs = ({ mark, count }) => (mark.endsWith("[") ? mark : mark.repeat(count));

/** The innermost frame was no frame after all: its marks become text in the one around it. */
function collapse(state) {
  flush(state);
  const inner = state.stack.pop();
  state.stack.at(-1).inside.append(signs(inner), inner.inside);
}

/** What to do with a frame that the end of the text finds open. */
function dropOrClose(state) {
  if (!state.open) return collapse(state);
  flush(state);
  const { mark, count, inside } = state.stack.pop();
  const emphatic = !mark.endsWith("[") && inside.hasChildNodes();
  state.stack.at(-1).inside.append(emphatic ? wrap(mark, count, inside) : inside);
}

function wrap(mark, count, inside) {
  if (mark === "~") return h("del", {}, inside);
  if (count === 3) return h("em", {}, h("strong", {}, inside));
  return h(count === 2 ? "strong" : "em", {}, inside);
}

function escape(state) {
  const next = state.text[state.at + 1];
  if (next === "\n") {
    push(state, h("br"));
  } else if (next !== undefined && /[!-/:-@[-`{-~]/.test(next)) {
    state.plain += next;
  } else {
    return false;
  }
  state.at += 2;
  return true;
}

function lineBreak(state) {
  // Models mean the line breaks that they write, so a soft one breaks too.
  state.plain = state.plain.trimEnd();
  push(state, h("br"));
  state.at += 1;
  while (state.text[state.at] === " ") state.at += 1;
  return true;
}

function runLength(text, at) {
  let end = at;
  while (text[end] === text[at]) end += 1;
  return end - at;
}

function code(state) {
  const { text, at } = state;
  const length = runLength(text, at);
  const end = state.noCode.has(length) ? -1 : closingTicks(text, at + length, length);
  if (end < 0 && !state.open) {
    // Remembered, so that a text full of lone ticks is not searched from every one of them.
    state.noCode.add(length);
    state.plain += text.slice(at, at + length);
    state.at += length;
    return true;
  }
  const raw = text.slice(at + length, end < 0 ? undefined : end).replaceAll("\n", " ");
  // A stream's closing ticks may be half here.
  const unticked = raw.slice(0, raw.length - /`?`?$/.exec(raw)[0].length);
  const padded = raw.startsWith(" ") && raw.endsWith(" ") && raw.trim() !== "";
  if (raw) push(state, h("code", {}, end < 0 ? unticked : padded ? raw.slice(1, -1) : raw));
  state.at = end < 0 ? text.length : end + length;
  return true;
}

function closingTicks(text, from, length) {
  for (let at = text.indexOf("`", from); at >= 0; at = text.indexOf("`", at)) {
    const run = runLength(text, at);
    if (run === length) return at;
    at += run;
  }
  return -1;
}

const BLANK = /\s/u;
const PUNCTUATION = /[\p{P}\p{S}]/u;
// Chinese and Japanese put no spaces around marks; CommonMark's rule would leave "**好。**吗" unmarked.
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;

/** What a run of marks can do, by what is beside it (CommonMark 6.2). */
function flanks(text, at, length) {
  const before = text.slice(0, at).at(-1) ?? " ";
  const after = text[at + length] ?? " ";
  const blank = [BLANK.test(before), BLANK.test(after)];
  const sign = [PUNCTUATION.test(before), PUNCTUATION.test(after)];
  const left = !blank[1] && (!sign[1] || blank[0] || sign[0] || UNSPACED.test(before));
  const right = !blank[0] && (!sign[0] || blank[1] || sign[1] || UNSPACED.test(after));
  if (text[at] !== "_") return { opens: left, closes: right };
  return { opens: left && (!right || sign[0]), closes: right && (!left || sign[1]) };
}

function emphasis(state) {
  const { text, at } = state;
  const mark = text[at];
  const length = runLength(text, at);
  state.at += length;
  // At the end of a stream a run may still grow, and open frames are closed anyway.
  if (state.open && state.at === text.length) return true;
  if (mark === "~" && length !== 2) return literal(state, mark, length);
  const { opens, closes } = flanks(text, at, length);
  let left = length;
  while (closes && left > 0) {
    const used = close(state, mark, left, length, opens);
    if (used === 0) break;
    left -= used;
  }
  if (left === 0) return true;
  if (!opens || state.stack.length > MAX_FRAMES) return literal(state, mark, left);
  flush(state);
  state.stack.push(frame(mark, left, closes));
  return true;
}

function literal(state, mark, count) {
  state.plain += mark.repeat(count);
  return true;
}

/** Closes the nearest fitting frame by one or two marks; returns how many. */
function close(state, mark, left, length, opens) {
  let depth = state.stack.length - 1;
  for (; depth > 0; depth--) {
    const candidate = state.stack[depth];
    if (candidate.mark.endsWith("[")) return 0;
    const third = (opens || candidate.closes) && (candidate.length + length) % 3 === 0 && length % 3 !== 0;
    if (candidate.mark === mark && !third) break;
  }
  if (depth === 0) return 0;
  while (state.stack.length - 1 > depth) collapse(state);
  flush(state);
  const found = state.stack[depth];
  const used = Math.min(found.count, left, 2);
  const wrapped = wrap(mark, used, found.inside);
  found.count -= used;
  if (found.count === 0) state.stack.pop();
  state.stack.at(-1).inside.append(wrapped);
  return used;
}

function openBracket(state, mark) {
  if (state.stack.length > MAX_FRAMES) return false;
  flush(state);
  state.stack.push(frame(mark));
  state.at += mark.length;
  return true;
}

// Bounded blanks: unbounded ones beside each other would take cubic time on a hostile text.
const DESTINATION = /\([ \n]{0,4}(<[^<>\n]*>|[^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*)(?:[ \n]{1,4}(?:"[^"]*"|'[^']*'))?[ \n]{0,4}\)/y;
const UNFINISHED = /(?:$|\([^)]*$)/y;

function closeBracket(state) {
  const depth = state.stack.findLastIndex(({ mark }) => mark.endsWith("["));
  if (depth < 0) return false;
  DESTINATION.lastIndex = state.at + 1;
  const found = DESTINATION.exec(state.text);
  UNFINISHED.lastIndex = state.at + 1;
  const unfinished = !found && state.open && UNFINISHED.test(state.text);
  const href = found && !state.stack[depth].holdsLink && safeHref(found[1].replace(/^<|>$/g, ""));
  while (state.stack.length - 1 > depth) collapse(state);
  if (!href && !unfinished) {
    collapse(state);
    return false;
  }
  flush(state);
  const { mark, inside } = state.stack.pop();
  // Pictures stay links: fetching one would tell its server that the answer was read, and whatever its address spells.
  if (mark === "![" && !inside.hasChildNodes()) inside.append("image");
  state.stack.at(-1).inside.append(href ? link(href, inside) : inside);
  // A link cannot hold another one.
  if (href) for (const outer of state.stack) outer.holdsLink = true;
  state.at = found ? DESTINATION.lastIndex : state.text.length;
  return true;
}

/** Only addresses that a click may safely follow; everything else stays text. */
export function safeHref(address) {
  if (!URL.canParse(address)) return undefined;
  const { protocol, href } = new URL(address);
  return ["http:", "https:", "mailto:"].includes(protocol) ? href : undefined;
}

function link(href, inside) {
  return h("a", { href, rel: "noopener noreferrer", target: "_blank" }, inside);
}

const ANGLE = /<(https?:\/\/[^\s<>]+|mailto:[^\s<>]+)>|<br\s*\/?>/iy;

function angle(state) {
  ANGLE.lastIndex = state.at;
  const match = ANGLE.exec(state.text);
  const href = match?.[1] && safeHref(match[1]);
  if (!match || (match[1] && !href)) return false;
  // Tables have no other way to break a line than the one tag that is understood.
  push(state, href ? link(href, match[1]) : h("br"));
  state.at = ANGLE.lastIndex;
  return true;
}

const ADDRESS = /(?:https?:\/\/|mailto:)[^\s<>`*"“”「」（），。]{1,2000}/iy;

function address(state) {
  const before = state.text[state.at - 1] ?? " ";
  if (/[\p{L}\p{N}_]/u.test(before) && !UNSPACED.test(before)) return false;
  if (state.stack.some(({ mark }) => mark.endsWith("["))) return false;
  ADDRESS.lastIndex = state.at;
  const match = ADDRESS.exec(state.text)?.[0];
  if (!match) return false;
  const url = trimmed(match);
  const href = safeHref(url);
  if (!href) return false;
  push(state, link(href, url));
  state.at += url.length;
  return true;
}

/** Without the punctuation of the sentence around it. A closing bracket stays where the address opened one. */
function trimmed(url) {
  let end = url.length;
  while (end > 0) {
    const last = url[end - 1];
    if (last === ")" && url.slice(0, end).split("(").length >= url.slice(0, end).split(")").length) break;
    if (!/[.,:;!?'"_~\])]/.test(last)) break;
    end -= 1;
  }
  return url.slice(0, end);
}

const ENTITY = /&(?:(amp|lt|gt|quot|apos|nbsp)|#(\d{1,7})|#x([0-9a-f]{1,6}));/iy;
const NAMED = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };

function entity(state) {
  ENTITY.lastIndex = state.at;
  const match = ENTITY.exec(state.text);
  if (!match) return false;
  const [whole, name, decimal, hex] = match;
  const point = decimal ? Number(decimal) : Number.parseInt(hex, 16);
  if (!name && !(point > 0 && point <= 0x10ffff)) return false;
  state.plain += name ? NAMED[name.toLowerCase()] : String.fromCodePoint(point);
  state.at += whole.length;
  return true;
}
