/** How a run tells what happens: listeners, promises, loops, and what becomes of errors. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { APIUserAbortError, AuthenticationError, ChatmuxError } from "chatmux";
import { CLIENTS, classOf, follow, inProcess, onBoth, piece, START, stop, textStream, usage } from "./both.mjs";
import { countListeners, failure, jsonResponse } from "./support.mjs";

const { chatmux: Chatmux } = CLIENTS;
const TEXT = textStream("Hel", "lo");

/** What both clients are to give; what they give is compared with it, and so with each other. */
async function bothGive(expected, run) {
  const given = await onBoth(run);
  assert.deepEqual(given.chatmux, expected);
  assert.deepEqual(given.openai, expected, "openai is no longer the same");
}

suite("a listener", () => {
  test("is called in the order in which it was added, each time it was added", () =>
    bothGive(["a Hel", "b Hel", "a Hel", "a lo", "b lo", "a lo"], async (Client) => {
      const log = [];
      const a = (text) => log.push(`a ${text}`);
      const stream = follow(Client, TEXT);
      assert.equal(stream.on("content", a), stream);
      stream.on("content", (text) => log.push(`b ${text}`)).on("content", a);
      await stream.done();
      return log;
    }));

  test("that is removed is not called: one that was added twice is called once less", () =>
    bothGive({ a: 2, b: 0 }, async (Client) => {
      const calls = { a: 0, b: 0 };
      const a = () => calls.a++;
      const b = () => calls.b++;
      const stream = follow(Client, TEXT).on("content", a).on("content", a).on("content", b);
      assert.equal(stream.off("content", a), stream);
      stream.off("content", b).off("content", b).off("chunk", a);
      await stream.done();
      return calls;
    }));

  test("that is to be called once is, though it adds or emits more", () =>
    bothGive(["Hel", "again lo"], async (Client) => {
      const log = [];
      const stream = follow(Client, TEXT).once("content", (text) => {
        log.push(text);
        stream.once("content", (text) => log.push(`again ${text}`));
      });
      await stream.done();
      return log;
    }));

  test("that is to be called once can be removed", () =>
    bothGive([], async (Client) => {
      const log = [];
      const listener = (text) => log.push(text);
      await follow(Client, TEXT).once("content", listener).off("content", listener).done();
      return log;
    }));

  test("that is removed by another while an event is told hears this one, and no more", () =>
    bothGive(["a Hel", "b Hel", "c Hel", "a lo", "c lo"], async (Client) => {
      const log = [];
      const b = (text) => log.push(`b ${text}`);
      const stream = follow(Client, TEXT)
        .on("content", (text) => (log.push(`a ${text}`), stream.off("content", b)))
        .on("content", b)
        .on("content", (text) => log.push(`c ${text}`));
      await stream.done();
      return log;
    }));

  test("that is added while an event is told hears the next one", () =>
    bothGive(["lo"], async (Client) => {
      const log = [];
      const stream = follow(Client, TEXT).once("content", () => stream.on("content", (text) => log.push(text)));
      await stream.done();
      return log;
    }));

  test("that is added after a turn of the loop of events hears everything, before the request is sent", () =>
    bothGive(["Hel", "lo"], async (Client) => {
      const log = [];
      const stream = await (async () => follow(Client, TEXT))();
      await null;
      stream.on("content", (text) => log.push(text));
      await stream.done();
      return log;
    }));

  test("that is added after the end hears nothing", () =>
    bothGive([], async (Client) => {
      const log = [];
      const stream = follow(Client, TEXT);
      await stream.done();
      stream.on("end", () => log.push("end")).on("content", () => log.push("content"));
      stream._emit("end");
      await null;
      return log;
    }));

  test("has no `this`, and is called with all arguments", () =>
    bothGive([undefined, 2], async (Client) => {
      let seen;
      await follow(Client, TEXT).once("content", function (...args) { seen = [this, args.length]; }).done();
      return seen;
    }));

  test("must be a function", () => {
    const stream = follow(Chatmux, TEXT);
    for (const listener of [undefined, null, "content"]) {
      assert.throws(() => stream.on("content", listener), { name: "ChatmuxError", message: "The listener of `content` must be a function." });
    }
    return stream.done();
  });

  test("C3: of an event that is named like a member of every object is like any other", () =>
    bothGive(["__proto__", "constructor"], async (Client) => {
      const log = [];
      const stream = follow(Client, TEXT);
      for (const event of ["__proto__", "constructor", "toString"]) stream.on(event, () => log.push(event));
      stream._emit("__proto__");
      stream._emit("constructor");
      await stream.done();
      return log;
    }));
});

suite("a listener that throws", () => {
  test("makes the run fail, and ends the request", async () => {
    let isCancelled = false;
    const stream = follow(Chatmux, [START, piece({ content: "a" })], { hang: true, onCancel: () => (isCancelled = true) });
    const log = [];
    const cause = new TypeError("oh");
    stream.on("content", () => { throw cause; });
    for (const event of ["content", "content.delta", "error", "end", "abort"]) stream.on(event, () => log.push(event));
    const error = await failure(stream.done());
    assert.equal(error.constructor, ChatmuxError);
    assert.equal(error.kind, "callback");
    assert.equal(error.message, "oh");
    assert.equal(error.cause, cause);
    assert.deepEqual(log, ["error", "end"]);
    assert.ok(isCancelled);
  });

  test("makes the run fail with openai's classes, whatever it throws", () =>
    bothGive(["ChatmuxError oh", "ChatmuxError text", "AuthenticationError 401 no", "APIUserAbortError Request was aborted."], async (Client) => {
      const seen = [];
      const unauthorized = new Client.AuthenticationError(401, { message: "no" }, undefined, new Headers());
      for (const thrown of [new RangeError("oh"), "text", unauthorized, new DOMException("gone", "AbortError")]) {
        const stream = follow(Client, TEXT).on("content", () => { throw thrown; });
        const error = await failure(stream.done());
        seen.push(`${classOf(error)} ${error.message}`);
      }
      return seen;
    }));

  test("at the end is the process's affair: the promises are kept", async () => {
    const source = `
      const stream = follow(Client, textStream("a")).on("end", () => { throw new RangeError("late"); });
      say({ content: await stream.finalContent() });`;
    await bothGive({ content: "a", unhandled: ["RangeError"] }, (Client) => inProcess(Client, source));
  });

  test("on an error is the process's affair: the promises have the error", async () => {
    const source = `
      const stream = follow(Client, ["[DONE]"]).on("error", () => { throw new RangeError("late"); });
      say({ message: await stream.done().catch((error) => both.classOf(error)), ended: stream.ended });`;
    await bothGive({ message: "ChatmuxError", ended: true, unhandled: ["RangeError"] }, (Client) => inProcess(Client, source));
  });
});

suite("a promise of an event", () => {
  test("is kept with its argument, its arguments, or nothing", () =>
    bothGive([undefined, ["Hel", "Hel"], "Hello", undefined], async (Client) => {
      const stream = follow(Client, TEXT);
      return Promise.all(["connect", "content", "finalContent", "end"].map((event) => stream.emitted(event)));
    }));

  test("is of the next time", () =>
    bothGive([["lo", "Hello"]], async (Client) => {
      const stream = follow(Client, TEXT);
      await stream.emitted("content");
      return [await stream.emitted("content")];
    }));

  test("is rejected when the run fails before, and kept when it is the failure that was waited for", () =>
    bothGive(["ChatmuxError", "ChatmuxError", "ChatmuxError"], async (Client) => {
      const stream = follow(Client, ["[DONE]"]);
      const waiting = [failure(stream.emitted("message")), stream.emitted("error"), failure(stream.emitted("end"))];
      return (await Promise.all(waiting)).map(classOf);
    }));

  test("of the end is kept when the run is aborted, and so is one of that", () =>
    bothGive([undefined, "APIUserAbortError"], async (Client) => {
      const stream = follow(Client, [START], { hang: true });
      stream.on("chunk", () => stream.abort());
      const [end, abort] = await Promise.all([stream.emitted("end"), stream.emitted("abort")]);
      return [end, classOf(abort)];
    }));
});

suite("a loop over an event", () => {
  test("has the arguments of each time, and ends with the run", () =>
    bothGive([["Hel", "Hel"], ["lo", "Hello"]], async (Client) => {
      const seen = [];
      for await (const args of follow(Client, TEXT).events("content")) seen.push(args);
      return seen;
    }));

  test("throws what the run fails with, after what came before it, and once", () =>
    bothGive([["a", true], true], async (Client) => {
      const stream = follow(Client, [START, piece({ content: "a" }), piece({}, null, { index: 500 })]);
      const iterator = stream.events("content");
      const error = await failure(stream.done());
      const seen = [(await iterator.next()).value[0], (await failure(iterator.next())) === error];
      return [seen, (await iterator.next()).done];
    }));

  test("that is left after the failure does not throw it any more", () =>
    bothGive([true, true], async (Client) => {
      const stream = follow(Client, [START, piece({ content: "a" }), piece({}, null, { index: 500 })]);
      const iterator = stream.events("content");
      await failure(stream.done());
      return [(await iterator.return()).done, (await iterator.next()).done];
    }));

  test("over errors has the error and does not throw it", () =>
    bothGive(["ChatmuxError"], async (Client) => {
      const seen = [];
      for await (const [error] of follow(Client, ["[DONE]"]).events("error")) seen.push(classOf(error));
      return seen;
    }));

  test("over aborts has the abort and does not throw it", () =>
    bothGive(["APIUserAbortError"], async (Client) => {
      const seen = [];
      const stream = follow(Client, [START], { hang: true });
      stream.on("chunk", () => stream.abort());
      for await (const [error] of stream.events("abort")) seen.push(classOf(error));
      return seen;
    }));

  test("that is left does not end the run", () =>
    bothGive(["Hel", "Hello"], async (Client) => {
      const stream = follow(Client, TEXT);
      let first;
      for await (const [text] of stream.events("content")) {
        first = text;
        break;
      }
      return [first, await stream.finalContent()];
    }));

  test("that begins after the end is over at once, or has the failure", () =>
    bothGive([true, "ChatmuxError", true], async (Client) => {
      const whole = follow(Client, TEXT);
      await whole.done();
      const broken = follow(Client, ["[DONE]"]);
      await failure(broken.done());
      const late = broken.events("content");
      return [(await whole.events("content").next()).done, classOf(await failure(late.next())), (await late.next()).done];
    }));
});

suite("the end", () => {
  test("is told last, and shows in the state", () =>
    bothGive([[false, false, false], [true, false, false], ["connect", "end"]], async (Client) => {
      const stream = follow(Client, TEXT);
      const log = [];
      for (const event of ["connect", "error", "abort", "end"]) stream.on(event, () => log.push(event));
      const state = () => [stream.ended, stream.errored, stream.aborted];
      const before = state();
      await stream.done();
      return [before, state(), log];
    }));

  test("after a failure is told after it, and shows in the state", () =>
    bothGive([[true, true, false], ["error", "end"]], async (Client) => {
      const stream = follow(Client, [piece({}, null, { index: 500 })]);
      const log = [];
      for (const event of ["error", "abort", "end"]) stream.on(event, () => log.push(event));
      await failure(stream.done());
      return [[stream.ended, stream.errored, stream.aborted], log];
    }));

  test("is waited for by every promise of a result, which the failure rejects", () =>
    bothGive(Array(8).fill("AuthenticationError"), async (Client) => {
      const client = new Client({
        apiKey: "sk-1234567890", maxRetries: 0,
        fetch: async () => jsonResponse({ error: { message: "no" } }, { status: 401 }),
      });
      const stream = client.chat.completions.stream({ model: "m", messages: [] });
      const names = ["finalChatCompletion", "finalMessage", "finalContent", "finalFunctionToolCall", "finalFunctionToolCallResult", "totalUsage", "done"];
      const errors = await Promise.all([...names.map((name) => failure(stream[name]())), failure(stream.emitted("connect"))]);
      return errors.map(classOf);
    }));

  test("of a request that the provider refuses has the provider's error", async () => {
    const fetch = async () => jsonResponse({ error: { message: "no", code: "x" } }, { status: 401 });
    const stream = new Chatmux({ apiKey: "sk-1234567890", maxRetries: 0, fetch }).chat.completions.stream({ model: "m", messages: [] });
    const error = await failure(stream.done());
    assert.equal(error.constructor, AuthenticationError);
    assert.equal(error.status, 401);
    assert.equal(error.code, "x");
    assert.equal("partial" in error, false);
  });
});

suite("a failure that nobody waits for", () => {
  const FAILS = `const stream = follow(Client, ["[DONE]"]);`;
  const ABORTS = `const stream = follow(Client, [START], { hang: true }); stream.on("chunk", () => stream.abort());`;
  const CASES = [
    ["is an unhandled rejection", FAILS, ["ChatmuxError"]],
    ["is none with a listener", `${FAILS} stream.on("error", () => {});`, []],
    ["is one with a listener of the end alone", `${FAILS} stream.on("end", () => {});`, ["ChatmuxError"]],
    ["is one with a listener that was removed", `${FAILS} const f = () => {}; stream.on("error", f).off("error", f);`, ["ChatmuxError"]],
    ["is none with a promise of the end that is handled", `${FAILS} stream.done().catch(() => {});`, []],
    ["is the rejection of a promise of the end that is not", `${FAILS} stream.finalContent();`, ["ChatmuxError"]],
    ["is none with a promise of an event that is handled", `${FAILS} stream.emitted("message").catch(() => {});`, []],
    ["is none with a loop that throws it", `${FAILS} try { for await (const chunk of stream); } catch {}`, []],
    ["is an unhandled rejection when it is an abort", ABORTS, ["APIUserAbortError"]],
    ["is none with a listener of the abort", `${ABORTS} stream.on("abort", () => {});`, []],
    ["is one with a listener of errors, which an abort is not", `${ABORTS} stream.on("error", () => {});`, ["APIUserAbortError"]],
    ["is one with a loop over an event that was left", `const stream = follow(Client, textStream("a")); stream.on("content", () => { throw new Error(); }); for await (const _ of stream.events("chunk")) break;`, ["ChatmuxError"]],
    ["is none with a loop that was left", `const stream = follow(Client, [START, START], { hang: true }); for await (const chunk of stream) break;`, []],
  ];
  for (const [what, source, unhandled] of CASES) {
    test(what, () => bothGive({ unhandled }, (Client) => inProcess(Client, source)));
  }
});

suite("an abort", () => {
  test("ends the request and the run, with what was known until then", async () => {
    let isCancelled = false;
    const events = [START, piece({ content: "Hel" }), piece({ content: "lo" }), usage()];
    const stream = follow(Chatmux, events, { hang: true, onCancel: () => (isCancelled = true) });
    const log = [];
    for (const event of ["error", "abort", "end"]) stream.on(event, (error) => log.push([event, error?.name]));
    stream.on("chunk", ({ usage }) => usage && stream.abort());
    const error = await failure(stream.finalContent());
    assert.ok(error instanceof APIUserAbortError);
    assert.equal(error.message, "Request was aborted.");
    assert.equal(error.cause, stream.controller.signal.reason);
    assert.equal(error.partial.choices[0].message.content, "Hello");
    assert.equal(error.partial.choices[0].finish_reason, null);
    assert.deepEqual(error.usage, { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 });
    assert.deepEqual(Object.keys(error).filter((name) => name === "partial" || name === "usage"), []);
    assert.deepEqual(log, [["abort", "APIUserAbortError"], ["end", undefined]]);
    assert.ok(isCancelled);
  });

  test("shows in the state", () =>
    bothGive([true, true, true], async (Client) => {
      const stream = follow(Client, [START], { hang: true });
      stream.on("chunk", () => stream.abort());
      await failure(stream.done());
      return [stream.ended, stream.errored, stream.aborted];
    }));

  test("before the request is sent sends none", async () => {
    const stream = follow(Chatmux, TEXT);
    stream.abort();
    const error = await failure(stream.done());
    assert.equal(error.constructor, APIUserAbortError);
    assert.equal("partial" in error, false);
    assert.equal(stream.aborted, true);
  });

  test("while the answer is waited for ends the run", () =>
    bothGive("APIUserAbortError", async (Client) => {
      const fetch = (url, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      const stream = new Client({ apiKey: "sk-1234567890", fetch }).chat.completions.stream({ model: "m", messages: [] });
      setTimeout(() => stream.abort(), 20);
      return classOf(await failure(stream.done()));
    }));

  test("by the controller is one by the method", () =>
    bothGive("APIUserAbortError", async (Client) => {
      const stream = follow(Client, [START], { hang: true });
      stream.on("chunk", () => stream.controller.abort());
      return classOf(await failure(stream.done()));
    }));

  test("lets the events of the chunk that is told go on, and no others", () =>
    bothGive(["chunk", "content", "end"], async (Client) => {
      const log = [];
      const stream = follow(Client, [piece({ role: "assistant", content: "a" }), piece({ content: "b" }), stop(), "[DONE]"]);
      for (const event of ["chunk", "content", "message", "end"]) stream.on(event, () => log.push(event));
      stream.on("chunk", () => stream.abort());
      await failure(stream.done());
      return log;
    }));

  test("after the end is none", () =>
    bothGive([true, false, "Hello"], async (Client) => {
      const stream = follow(Client, TEXT);
      await stream.done();
      stream.abort();
      return [stream.ended, stream.aborted, await stream.finalContent()];
    }));

  test("A1: by a signal that is aborted already sends nothing, with its reason as the cause", async () => {
    const reason = new Error("changed my mind");
    const stream = follow(Chatmux, TEXT, { options: { signal: AbortSignal.abort(reason) } });
    const error = await failure(stream.done());
    assert.equal(error.constructor, APIUserAbortError);
    assert.equal(error.cause, reason);
  });

  test("by a signal in the middle has its reason as the cause", () =>
    bothGive(["APIUserAbortError", "enough"], async (Client) => {
      const controller = new AbortController();
      const stream = follow(Client, [START], { hang: true, options: { signal: controller.signal } });
      stream.on("chunk", () => controller.abort("enough"));
      const error = await failure(stream.done());
      return [classOf(error), error.cause];
    }));

  for (const [how, end] of Object.entries({
    "a success": (stream) => stream.done(),
    "a failure": (stream) => (stream.on("content", () => { throw new Error("no"); }), failure(stream.done())),
    "an abort": (stream) => (stream.on("content", () => stream.abort()), failure(stream.done())),
    "a loop that was left": async (stream) => { for await (const _ of stream) break; await failure(stream.done()); },
  })) {
    test(`A4: leaves no listener on the caller's signal after ${how}`, async () => {
      const { signal } = new AbortController();
      const listeners = countListeners(signal);
      await end(follow(Chatmux, TEXT, { options: { signal } }));
      assert.deepEqual(listeners, { now: 0, ever: 1 });
    });
  }
});
