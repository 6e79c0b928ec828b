import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { dialects } from "../../dist/dialects.js";
import { Desk, memory } from "../../dist/glue/dialects.js";
import { Chatmux, ChatmuxError } from "chatmux";
import { COMPLETION, KEY, MESSAGES } from "./support.mjs";

const encoder = new TextEncoder();
const decode = (bytes) => new TextDecoder().decode(bytes);
const event = (type, more) => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
const delta = (text) => event("content_block_delta", { index: 0, delta: { type: "text_delta", text } });

const CLAUDE = { model: "claude-sonnet-4-5" };
const TEXTS = ["Hello", " wörld", " 😀", "\n", '"quoted"', " the", " end"];
const START = [
  event("message_start", {
    message: { id: "msg_1", type: "message", role: "assistant", model: "claude-sonnet-4-5", content: [], stop_reason: null, usage: { input_tokens: 5, output_tokens: 1 } },
  }),
  event("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
  event("ping"),
].join("");
const END = [
  event("content_block_stop", { index: 0 }),
  event("message_delta", { delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: 7 } }),
  event("message_stop"),
].join("");
const ANTHROPIC = START + TEXTS.map(delta).join("") + END;

const GEMINI = TEXTS.map((text, at) => {
  const candidate = { content: { parts: [{ text }], role: "model" }, ...(at === TEXTS.length - 1 && { finishReason: "STOP" }), index: 0 };
  const usageMetadata = { promptTokenCount: 5, candidatesTokenCount: at + 1, totalTokenCount: at + 6 };
  return `data: ${JSON.stringify({ candidates: [candidate], usageMetadata, modelVersion: "gemini-2.5-flash", responseId: "r1" })}\r\n\r\n`;
}).join("");
const STREAMS = { anthropic: [CLAUDE.model, ANTHROPIC], gemini: ["gemini-2.5-flash", GEMINI] };

/** What a request leaves for the reader of its answer. */
const sent = async (name, more = {}) => {
  const model = STREAMS[name][0];
  return (await dialects()).request(name, JSON.stringify({ model, messages: MESSAGES, stream: true, ...more }), { model });
};

/** What a stream becomes that comes in these pieces. */
async function translate(name, pieces, options) {
  const translator = (await dialects()).stream(name, (await sent(name)).back, { created: 7, ...options });
  const out = pieces.map((piece) => translator.feed(piece));
  return decode(Buffer.concat([...out, translator.finish()]));
}

const pieces = (text, size) => {
  const bytes = encoder.encode(text);
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
};
const chunks = (text) => [...text.matchAll(/^data: (\{.*)$/gm)].map(([, json]) => JSON.parse(json));
const textOf = (all) => all.map(({ choices }) => choices[0]?.delta.content ?? "").join("");

suite("a request", () => {
  test("gets the form of the dialect", async () => {
    const { path, headers, body, losses, back } = await sent("anthropic", { max_tokens: 9, temperature: 1 });
    assert.match(path, /messages$/);
    assert.equal(headers["anthropic-version"], "2023-06-01");
    const { model, max_tokens, stream, messages } = JSON.parse(body);
    assert.deepEqual({ model, max_tokens, stream }, { model: CLAUDE.model, max_tokens: 9, stream: true });
    assert.equal(messages[0].role, "user");
    assert.ok(Array.isArray(losses));
    assert.equal(typeof back, "string");
    assert.match((await sent("gemini")).path, /gemini-2\.5-flash:streamGenerateContent\?alt=sse$/);
  });

  test("that loses something says so, or is refused where nothing may be lost", async () => {
    const json = JSON.stringify({ ...CLAUDE, messages: MESSAGES, max_tokens: 9, logit_bias: { 50256: -100 } });
    const { request } = await dialects();
    const [loss] = request("anthropic", json, CLAUDE).losses;
    assert.deepEqual([loss.param, loss.action, typeof loss.reason], ["logit_bias", "dropped", "string"]);
    const isRefused = (error) => error instanceof ChatmuxError && error.kind === "invalid_request" && /logit_bias/.test(error.message);
    assert.throws(() => request("anthropic", json, { ...CLAUDE, isStrict: true }), isRefused);
  });

  test("that is none is refused", async () => {
    const { request } = await dialects();
    assert.throws(() => request("anthropic", "{", CLAUDE), ChatmuxError);
  });
});

suite("a whole answer", () => {
  const answer = async (body, status = 200) => {
    const { back } = await sent("anthropic");
    const said = (await dialects()).answer("anthropic", encoder.encode(body), status, back, 7);
    return said && { status: said.status, ...JSON.parse(decode(said.body)) };
  };

  test("becomes a completion", async () => {
    const content = [{ type: "text", text: "Hi 😀" }];
    const message = { id: "msg_1", type: "message", role: "assistant", model: CLAUDE.model, content, stop_reason: "end_turn", stop_sequence: null };
    const { status, object, choices, usage, created } = await answer(JSON.stringify({ ...message, usage: { input_tokens: 5, output_tokens: 2 } }));
    assert.deepEqual([status, object, created], [200, "chat.completion", 7]);
    assert.equal(choices[0].message.content, "Hi 😀");
    assert.equal(choices[0].finish_reason, "stop");
    assert.equal(usage.total_tokens, 7);
  });

  test("that is an error becomes one of OpenAI's, with its status", async () => {
    const error = (type) => JSON.stringify({ type: "error", error: { type, message: "It is so." } });
    const { status, error: said } = await answer(error("overloaded_error"), 529);
    assert.deepEqual([status, said.message], [503, "It is so."]);
    assert.equal((await answer(error("invalid_request_error"), 400)).status, 400);
    assert.equal((await answer(error("rate_limit_error"), 200)).status, 429, "whatever the status says");
  });

  test("that is none of the dialect is left to others", async () => {
    assert.equal(await answer("<html>"), undefined);
    assert.equal(await answer("<html>", 502), undefined);
  });
});

suite("a streamed answer", () => {
  for (const [name, [, stream]] of Object.entries(STREAMS)) {
    test(`of ${name} becomes OpenAI's, however it is cut`, async () => {
      const whole = await translate(name, [encoder.encode(stream)]);
      const all = chunks(whole);
      assert.equal(textOf(all), TEXTS.join(""));
      assert.ok(all.every(({ object, created }) => object === "chat.completion.chunk" && created === 7));
      assert.equal(all.filter(({ choices }) => choices[0]?.finish_reason === "stop").length, 1);
      assert.ok(whole.endsWith("data: [DONE]\n\n"));
      for (const size of [1, 2, 3, 7, 50, 111, 1000]) assert.equal(await translate(name, pieces(stream, size)), whole, `${size} bytes`);
    });

    test(`of ${name} that was cut says so, where that is wanted`, async () => {
      const cut = stream.slice(0, stream.indexOf("quoted"));
      assert.equal(chunks(await translate(name, [encoder.encode(cut)])).at(-1).error.type, "stream_truncated");
      const silent = await translate(name, [encoder.encode(cut)], { saysCut: false });
      assert.doesNotMatch(silent, /error|DONE|"finish_reason":"/);
    });

    test(`of ${name} is what the client reads`, async () => {
      const { body, stream: translated } = await dialects();
      const { back } = await sent(name);
      const fetch = async () => {
        const response = new Response(encoder.encode(stream));
        return new Response(body(response.body, translated(name, back)), { headers: { "content-type": "text/event-stream" } });
      };
      const client = new Chatmux({ apiKey: KEY, fetch });
      let text = "";
      const read = await client.chat.completions.create({ model: "m", messages: MESSAGES, stream: true });
      for await (const chunk of read) text += chunk.choices[0]?.delta.content ?? "";
      assert.equal(text, TEXTS.join(""));
    });
  }

  test("may come in pieces of any size", async () => {
    const long = START + TEXTS.map(delta).join("").repeat(2000) + END;
    assert.equal(textOf(chunks(await translate("anthropic", [encoder.encode(long)]))), TEXTS.join("").repeat(2000));
    const wide = "x".repeat(1 << 20);
    assert.equal(textOf(chunks(await translate("anthropic", [encoder.encode(START + delta(wide) + delta("y") + END)]))), `${wide}y`);
  });

  test("gives nothing after its end", async () => {
    const translator = (await dialects()).stream("anthropic", (await sent("anthropic")).back);
    assert.equal(translator.ended, false);
    translator.feed(encoder.encode(ANTHROPIC));
    assert.equal(translator.ended, true);
    assert.equal(translator.feed(encoder.encode(ANTHROPIC)).length + translator.finish().length, 0);
    translator.free();
  });

  test("that was let go of gives nothing", async () => {
    const translator = (await dialects()).stream("anthropic", (await sent("anthropic")).back);
    translator.free();
    translator.free();
    assert.equal(translator.feed(encoder.encode(ANTHROPIC)).length + translator.finish().length, 0);
  });

  test("is kept alive by what keeps the provider's alive", async () => {
    assert.match(await translate("anthropic", [encoder.encode(START)], { saysCut: false }), /^: ping\n\n/m);
  });

  test("has limits", async () => {
    const bytes = [encoder.encode(ANTHROPIC)];
    for (const [options, option] of [[{ maxBytes: 1000 }, "maxResponseBytes"], [{ maxEventBytes: 100 }, "maxEventBytes"]]) {
      const { error } = chunks(await translate("anthropic", bytes, options)).at(-1);
      assert.deepEqual([error.type, error.message.includes(`\`${option}\``)], ["too_large", true]);
    }
  });

  test("keeps what it has given out as it is", async () => {
    const translator = (await dialects()).stream("anthropic", (await sent("anthropic")).back);
    translator.feed(encoder.encode(START));
    const first = translator.feed(encoder.encode(delta("first")));
    translator.feed(encoder.encode(delta("other").repeat(100)));
    assert.match(decode(first), /first/);
    translator.free();
  });
});

suite("the body of a streamed answer", () => {
  const translated = async (source) => {
    const { body, stream } = await dialects();
    return body(new ReadableStream(source, { highWaterMark: 0 }), stream("anthropic", (await sent("anthropic")).back));
  };

  test("is read no further than it is asked for", async () => {
    let pulls = 0;
    const reader = (await translated({ pull: (controller) => (pulls++, controller.enqueue(encoder.encode(START + delta("a")))) })).getReader();
    assert.equal(pulls, 0);
    await reader.read();
    assert.equal(pulls, 1);
    await reader.cancel();
  });

  test("is let go of with its source", async () => {
    let reason;
    const body = await translated({ cancel: (why) => void (reason = why) });
    await body.cancel("enough");
    assert.equal(reason, "enough");
  });

  test("fails as its source fails", async () => {
    const broken = new Error("The line is dead.");
    const body = await translated({ pull: (controller) => controller.error(broken) });
    await assert.rejects(body.getReader().read(), broken);
  });

  test("ends when all was said, whether its source does or not", async () => {
    let isCancelled = false;
    const source = { start: (controller) => controller.enqueue(encoder.encode(ANTHROPIC)), cancel: () => void (isCancelled = true) };
    assert.match(await new Response(await translated(source)).text(), /\[DONE\]\n\n$/);
    assert.ok(isCancelled);
  });
});

suite("the instance", () => {
  /** Asks for more memory than there is. */
  const lose = () => new Desk().room(0x7fffffff);
  const isLost = (error) => error instanceof ChatmuxError && error.kind === "wasm_failed";

  test("that is lost fails what needs it, and who comes next gets another", async () => {
    const { back } = await sent("anthropic");
    for (let round = 0; round < 3; round++) {
      const lost = await dialects();
      const translator = lost.stream("anthropic", back);
      translator.feed(encoder.encode(START));
      assert.throws(lose, isLost);
      assert.throws(() => translator.feed(encoder.encode(delta("x"))), isLost);
      assert.throws(() => lost.answer("anthropic", encoder.encode("{}"), 200, back), isLost);
      const next = (await dialects()).stream("anthropic", back);
      const parts = pieces(ANTHROPIC, 100).map((piece) => {
        assert.throws(() => translator.feed(encoder.encode(delta("x"))), isLost, "and disturbs nobody");
        return next.feed(piece);
      });
      assert.throws(() => translator.finish(), isLost);
      translator.free();
      assert.equal(textOf(chunks(decode(Buffer.concat(parts)))), TEXTS.join(""));
    }
  });

  test("of the client is another, which is not lost with it", async () => {
    const client = new Chatmux({ apiKey: KEY, fetch: async () => Response.json(COMPLETION) });
    const before = client.chat.completions.create({ model: "m", messages: MESSAGES });
    await dialects();
    assert.throws(lose, isLost);
    assert.equal((await before).id, COMPLETION.id);
    assert.equal((await client.chat.completions.create({ model: "m", messages: MESSAGES })).id, COMPLETION.id);
  });

  test("that has grown large is replaced when nobody needs it", async () => {
    const { request } = await dialects();
    const json = JSON.stringify({ ...CLAUDE, max_tokens: 9, messages: [{ role: "user", content: "x".repeat(20 << 20) }] });
    assert.ok(request("anthropic", json, CLAUDE).body.length > 20 << 20);
    assert.ok(memory().buffer.byteLength > 32 << 20);
    const open = (await dialects()).stream("anthropic", (await sent("anthropic")).back);
    await dialects();
    assert.ok(memory().buffer.byteLength < 32 << 20, "a new one");
    assert.ok(decode(open.feed(encoder.encode(START))).length > 0);
    open.free();
  });
});
