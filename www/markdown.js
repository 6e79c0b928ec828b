/**
 * Markdown → DOM, while it streams in. Blocks are read here, their insides in inline.js.
 *
 * What models write is read, not all of CommonMark: indented code, reference links, setext headings and HTML stay text.
 */

import { copyButton, h } from "./dom.js";
import { inline } from "./inline.js";

/**
 * Shows a growing source in an element. Blocks that can no longer change are never touched again, so the work for each
 * frame is that of the last two blocks, however long the answer is.
 */
export class MarkdownView {
  #root;
  #settled = 0;
  #live = [];

  constructor(root) {
    this.#root = root;
  }

  /** `open`: more is to come. */
  update(source, open) {
    const tail = source.slice(this.#settled);
    const lines = (open ? withoutLooseEnd(tail) : tail).split("\n");
    const blocks = readBlocks(lines, open);
    blocks.forEach((block, at) => {
      const last = open && at === blocks.length - 1;
      const raw = `${last}${lines.slice(block.start, block.end).join("\n")}`;
      this.#live[at] = this.#shown(this.#live[at], block, raw, last);
    });
    for (const gone of this.#live.splice(blocks.length)) gone.node.remove();
    // The last block grows; the one before it may still swallow the last ("2" becomes "2. second" and joins the list).
    const settling = open ? Math.max(0, blocks.length - 2) : 0;
    if (settling > 0) {
      this.#settled += lines.slice(0, blocks[settling].start).reduce((sum, line) => sum + line.length + 1, 0);
      this.#live.splice(0, settling);
    }
  }

  #shown(old, block, raw, open) {
    if (old?.raw === raw) return old;
    // A code block under way only gets more text: its copy button keeps its place and the focus.
    if (old?.block.kind === "code" && block.kind === "code" && old.block.info === block.info) {
      old.node.querySelector("code").firstChild.data = block.text;
      return Object.assign(old, { block, raw });
    }
    const node = render(block, open);
    if (old) old.node.replaceWith(node);
    else this.#root.append(node);
    return { block, raw, node };
  }
}

/** A last line of nothing but marks may become anything: it is shown when it is known. */
function withoutLooseEnd(source) {
  const start = source.lastIndexOf("\n") + 1;
  const line = source.slice(start).replace(/^[ \t>]+/, "").trimEnd();
  return /^(?:[-*_+#`~|:=]*|\d{1,9}[.)]?)$/.test(line) ? source.slice(0, start) : source;
}

// ── Blocks ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const FENCE = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})[ \t]*(.*)$/;
const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*))?$/;
const RULE = /^ {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const MARKER = /^( {0,3})([-+*]|\d{1,9}[.)])( {1,4}(?! )| {5,}|$)/;
const isBlank = (line) => /^\s*$/.test(line);

/** Blocks nested deeper than this are shown as text. */
const MAX_DEPTH = 12;

/** Every block knows its lines: `start` up to, not including, `end`. */
function readBlocks(lines, open, depth = 0) {
  const blocks = [];
  let at = 0;
  while (at < lines.length) {
    if (isBlank(lines[at])) {
      at += 1;
      continue;
    }
    const block = readBlock(lines, at, open, depth);
    block.start = at;
    blocks.push(block);
    at = block.end;
  }
  return blocks;
}

function readBlock(lines, at, open, depth) {
  const line = lines[at];
  if (FENCE.test(line)) return readCode(lines, at);
  const heading = HEADING.exec(line);
  if (heading) {
    const text = (heading[2] ?? "").trim().replace(/(?<=^|[ \t])#+$/, "").trimEnd();
    return { kind: "heading", level: heading[1].length, text, end: at + 1 };
  }
  if (RULE.test(line)) return { kind: "rule", end: at + 1 };
  if (depth < MAX_DEPTH && QUOTE.test(line)) return readQuote(lines, at, open, depth);
  if (depth < MAX_DEPTH && MARKER.test(line)) return readList(lines, at, open, depth);
  return readTable(lines, at, open) ?? readParagraph(lines, at);
}

function readCode(lines, at) {
  const [, fence, info] = FENCE.exec(lines[at]);
  const indent = /^ */.exec(lines[at])[0].length;
  let end = at + 1;
  const isEnd = (line) => {
    const close = line.trim();
    return close.length >= fence.length && close === fence[0].repeat(close.length);
  };
  while (end < lines.length && !isEnd(lines[end])) end += 1;
  const text = lines.slice(at + 1, end).map((line) => line.slice(Math.min(indent, /^ */.exec(line)[0].length)));
  return { kind: "code", info: info.trim().split(/\s/)[0], text: text.join("\n"), end: Math.min(end + 1, lines.length) };
}

function readQuote(lines, at, open, depth) {
  let end = at;
  const inner = [];
  while (end < lines.length && (QUOTE.test(lines[end]) || (!isBlank(lines[end]) && !interrupts(lines, end)))) {
    inner.push(lines[end].replace(QUOTE, ""));
    end += 1;
  }
  const stillOpen = open && end === lines.length;
  return { kind: "quote", blocks: readBlocks(inner, stillOpen, depth + 1), end };
}

function readList(lines, at, open, depth) {
  const ordered = /\d/.test(MARKER.exec(lines[at])[2]);
  const list = { kind: "list", ordered, start: 0, first: Number.parseInt(MARKER.exec(lines[at])[2], 10), loose: false, items: [] };
  let end = at;
  while (end < lines.length) {
    if (!isSibling(lines[end], ordered)) break;
    const item = readItem(lines, end, MARKER.exec(lines[end]));
    const next = skipBlank(lines, item.end);
    const blocks = readBlocks(item.lines, open && next === lines.length, depth + 1);
    list.items.push({ blocks, task: taskOf(blocks) });
    list.loose ||= item.gap || (item.end < next && isSibling(lines[next], ordered));
    end = next;
  }
  // Blank lines after the list are not its own.
  while (isBlank(lines[end - 1])) end -= 1;
  return { ...list, end };
}

function isSibling(line = "", ordered) {
  const marker = MARKER.exec(line);
  return marker !== null && !RULE.test(line) && /\d/.test(marker[2]) === ordered;
}

function skipBlank(lines, at) {
  while (at < lines.length && isBlank(lines[at])) at += 1;
  return at;
}

/** The lines of one item, without its indent. `gap`: a blank line lies between two of its paragraphs. */
function readItem(lines, at, [marker, indent, bullet, space]) {
  const width = indent.length + bullet.length + (space.length >= 1 && space.length <= 4 ? space.length : 1);
  // Models often indent children of "1. " by two: less than the standard wants, and clear enough.
  const enough = Math.min(width, indent.length + 2);
  const inner = [lines[at].slice(Math.min(marker.length, width))];
  let end = at + 1;
  let gap = false;
  for (; end < lines.length; end++) {
    const line = lines[end];
    const depth = /^ */.exec(line)[0].length;
    if (isBlank(line)) {
      const next = skipBlank(lines, end);
      if (next === lines.length || /^ */.exec(lines[next])[0].length < enough) break;
      gap ||= !MARKER.test(lines[next].slice(enough));
      inner.push("");
      end = next - 1;
    } else if (depth >= enough) {
      inner.push(line.slice(Math.min(depth, width)));
    } else if (MARKER.test(line) || interrupts(lines, end) || isBlank(inner.at(-1))) {
      break;
    } else {
      inner.push(line.trimStart());
    }
  }
  return { lines: inner, end, gap };
}

/** "[x] done" at the start of an item: true, false, or undefined for no task. */
function taskOf([first]) {
  const match = first?.kind === "paragraph" && /^\[([ xX])\][ \t]+/.exec(first.text);
  if (!match) return undefined;
  first.text = first.text.slice(match[0].length);
  return match[1] !== " ";
}

/** Whether a line ends the paragraph before it. */
function interrupts(lines, at) {
  const line = lines[at];
  const marker = MARKER.exec(line);
  const starts = marker && marker[3] !== "" && (/[-+*]/.test(marker[2]) || Number.parseInt(marker[2], 10) === 1);
  return starts || FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line) || columnsAt(lines, at) !== undefined;
}

function readParagraph(lines, at) {
  let end = at + 1;
  while (end < lines.length && !isBlank(lines[end]) && !interrupts(lines, end)) end += 1;
  const text = lines.slice(at, end).map((line) => line.trimStart()).join("\n").trimEnd();
  return { kind: "paragraph", text, end };
}

function cellsOf(row) {
  const cells = row.trim().replace(/^\|/, "").split(/(?<!\\)\|/);
  if (cells.at(-1).trim() === "" && cells.length > 1) cells.pop();
  return cells.map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/** The alignments that the line under a table's head gives, if a table begins here. */
function columnsAt(lines, at) {
  if (!lines[at].includes("|") || !/^[\s|:-]+$/.test(lines[at + 1] ?? "")) return undefined;
  const rule = cellsOf(lines[at + 1]);
  if (!rule.every((cell) => /^:?-+:?$/.test(cell)) || rule.length !== cellsOf(lines[at]).length) return undefined;
  return rule.map((cell) => (cell.endsWith(":") ? (cell.startsWith(":") ? "center" : "end") : "start"));
}

function readTable(lines, at, open) {
  const columns = columnsAt(lines, at) ?? (open ? promisedColumns(lines, at) : undefined);
  if (!columns) return undefined;
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|") && !isBlank(lines[end])) end += 1;
  end = Math.min(end, lines.length);
  const rows = lines.slice(at + 2, end).map(cellsOf);
  return { kind: "table", columns, head: cellsOf(lines[at]), rows, end };
}

/** The head of a table whose second line is still on its way: it looks like a table from the first. */
function promisedColumns(lines, at) {
  const under = lines[at + 1] ?? "";
  if (!/^\s*\|/.test(lines[at]) || lines.length > at + 2 || !/^[\s|:-]*$/.test(under)) return undefined;
  return cellsOf(lines[at]).map(() => "start");
}

// ── Elements ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** `open`: the block is the end of a stream, and of its parts only the last one is. */
function render(block, open) {
  switch (block.kind) {
    case "code":
      return renderCode(block);
    case "heading":
      // The page has its own h1 and h2.
      return h(`h${Math.min(6, block.level + 2)}`, { class: `heading-${block.level}` }, inline(block.text, open));
    case "rule":
      return h("hr");
    case "quote":
      return h("blockquote", {}, renderAll(block.blocks, open));
    case "list":
      return renderList(block, open);
    case "table":
      return renderTable(block, open);
    default:
      return h("p", {}, inline(block.text, open));
  }
}

function renderAll(blocks, open) {
  return blocks.map((block, at) => render(block, open && at === blocks.length - 1));
}

function renderCode({ info, text }) {
  // A text node even when there is no text yet: MarkdownView writes into it.
  const code = h("code", {}, document.createTextNode(text));
  const head = h("div", { class: "code-head" }, h("span", {}, info || "text"), copyButton(() => code.textContent));
  return h("div", { class: "code" }, head, h("pre", { tabindex: "0" }, code));
}

function renderList({ ordered, first, loose, items }, open) {
  const start = ordered && first !== 1 ? String(first) : undefined;
  return h(ordered ? "ol" : "ul", { start, class: loose ? "loose" : undefined }, items.map((item, at) => {
    const last = open && at === items.length - 1;
    const children = item.blocks.map((block, index) => {
      const ends = last && index === item.blocks.length - 1;
      return block.kind === "paragraph" && !loose ? inline(block.text, ends) : render(block, ends);
    });
    if (item.task === undefined) return h("li", {}, children);
    return h("li", { class: "task" }, h("input", { type: "checkbox", disabled: true, checked: item.task }), children);
  }));
}

function renderTable({ columns, head, rows }, open) {
  const row = (tag, cells, last) => h("tr", {}, columns.map((align, at) =>
    h(tag, { class: `align-${align}` }, inline(cells[at] ?? "", last && at === cells.length - 1))
  ));
  const body = rows.map((cells, at) => row("td", cells, open && at === rows.length - 1));
  const top = h("thead", {}, row("th", head, open && rows.length === 0));
  return h("div", { class: "table", tabindex: "0" }, h("table", {}, top, h("tbody", {}, body)));
}
