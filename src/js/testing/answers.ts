/** What the local provider says: a few answers with sense, chosen by a word in the question. */

export interface Conversation {
  model: string;
  /** What the person wrote, turn by turn, without slash words; the last is the question. */
  turns: string[];
}

export function reply({ model, turns }: Conversation): string {
  const text = turns.at(-1) ?? "";
  if (/meaning of life/i.test(text)) return MEANING;
  if (/markdown/i.test(text)) return MARKDOWN;
  if (/\bcode\b|javascript|typescript|\brust\b/i.test(text)) return CODE;
  if (turns.length === 1 && /^(hello|hi|hey|good (morning|evening|day))\b/i.test(text)) return HELLO;
  const before = turns.at(-2);
  const turn = before === undefined
    ? "This is turn 1 of our conversation."
    : `This is turn ${turns.length} of our conversation. Before it you wrote “${excerpt(before || "a slash word", 80)}”.`;
  return `You wrote:\n\n> ${excerpt(text || "nothing but a slash word", 240)}\n\n${turn} I answer as \`${model}\`, but I am ` +
    "only the small answering machine of the local provider, so do not expect wisdom.\n\n" +
    "Ask me about the *meaning of life*, *markdown* or *code*, or begin a message with `/reason`, `/tool`, `/slow`, " +
    "`/cut`, `/long` or `/error 429`.";
}

/** A tool's result, told. */
export function aboutResult(result: string): string {
  let value: unknown;
  try {
    value = JSON.parse(result);
  } catch {
    value = result;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return `The tool answered **${excerpt(result, 300)}**, and that is all I know about it.`;
  }
  const rows = Object.entries(value).map(([key, field]) => `| ${key} | ${typeof field === "string" ? field : JSON.stringify(field)} |`);
  return `The tool answered:\n\n| Field | Value |\n| --- | --- |\n${rows.join("\n")}\n`;
}

export function reasoningAbout(text: string): string {
  const subject = text ? `The person writes: "${excerpt(text, 80)}".` : "The person wants to see me reason.";
  return `${subject} Let me think about what they really want.\n\n` +
    "First I look for a word that I know an answer to. Then I weigh whether a short answer would serve them better than a " +
    "long one. It nearly always would, so I keep it short.";
}

function excerpt(text: string, length: number): string {
  const line = text.replace(/\s+/g, " ").trim();
  const characters = [...line];
  return characters.length > length ? `${characters.slice(0, length).join("")}…` : line;
}

const HELLO = "Hello! 👋 I am the local provider's answering machine. Ask me about the meaning of life, or for a piece of **markdown**.";

const MEANING = `People have answered this in very different ways:

- **Aristotle** said *eudaimonia*: to do well what a human being can do.
- **The existentialists** said there is none until you make one.
- **Douglas Adams** said 42, and that the question was the harder part.

What most answers share is that meaning is found outside oneself: in people, in work worth doing, in paying attention. So here is a better question to take along: *what would you miss if it were gone?*`;

const CODE = `Here is a chat in five lines:

\`\`\`js
import Chatmux from "chatmux";

const client = new Chatmux({ apiKey: process.env.AIHUBMIX_API_KEY });
const stream = await client.chat.completions.create({
  model: "gpt-4o-mini",
  messages: [{ role: "user", content: "What is the meaning of life?" }],
  stream: true,
});
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta?.content ?? "");
\`\`\`

Change \`model\` and another provider answers. Nothing else changes.`;

const MARKDOWN = `# A tour of markdown

Text can be **bold**, *italic*, ***both***, ~~struck out~~ or \`inline code\`, and it can [link somewhere](https://docs.aihubmix.com).

## Lists

1. First, a numbered item
2. Second, one with children:
   - a child
   - another, with a grandchild:
     - here it is
3. Third

- [x] a task that is done
- [ ] a task that is not

## Code

\`\`\`rust
fn main() {
    let words = ["small", "fast", "typed"];
    println!("{}", words.join(", "));
}
\`\`\`

## A table

| Model | Input | Output |
| :--- | ---: | ---: |
| gpt-4o-mini | $0.15 | $0.60 |
| deepseek-v3.2 | $0.28 | $0.42 |

> A quotation can hold *anything*,
> even a list:
>
> - like this one

---

Unsafe things stay text: <b>not bold</b>, [no script](javascript:alert(1)).`;

/** About 2 000 words, in case somebody wants to press the stop button. */
export function longAnswer(): string {
  const sentences = [
    "A long answer is mostly a matter of patience, yours more than mine.",
    "Every word of it travels alone, in an event of its own, and is put in its place as it arrives.",
    "You can stop it whenever you like, and what has arrived by then stays on the page.",
    "Nothing here is worth remembering, which makes it a good thing to interrupt.",
    "If you scroll up while it grows, the page should leave you where you are.",
  ];
  const paragraphs = Array.from({ length: 28 }, (_, at) => {
    const rotated = sentences.map((_, offset) => sentences[(at + offset) % sentences.length]);
    return at % 7 === 0 ? `## Part ${at / 7 + 1}\n\n${rotated.join(" ")}` : rotated.join(" ");
  });
  return paragraphs.join("\n\n");
}
