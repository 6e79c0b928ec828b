/** The ends of a run of tools that are not good: it is aborted, or an answer is not whole. */

import assert from "node:assert/strict";
import { afterEach, suite, test } from "node:test";
import { ContentFilterFinishReasonError, LengthFinishReasonError } from "chatmux";
import { ASK, asOpenAI, begin, call, clientOf, gate, run, says, told, tool, wants } from "./runs.mjs";
import { failure } from "./support.mjs";

const BOTH = [false, true];

suite("a run that is aborted", () => {
  // What is thrown after an abort is not heard of: these say in another way that they were run.
  const ran = [];
  const forbidden = (name, more) => tool(name, () => void ran.push(name), more);
  afterEach(() => assert.deepEqual(ran.splice(0), []));

  for (const stream of BOTH) {
    const streamed = stream ? ", streamed" : "";

    test(`before it begins sends nothing${streamed}`, async () => {
      const { runner, bodies } = run([], { tools: [], stream }, { signal: AbortSignal.abort() });
      const error = await failure(runner.done());
      assert.equal(error.kind, "abort");
      assert.equal(bodies.length, 0);
      assert.equal(runner.aborted, true);
    });

    test(`while the model is asked ends the request${streamed}`, async () => {
      const asked = gate();
      const fetch = (url, { signal }) => new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        asked.open();
      });
      const runner = clientOf({ fetch }).chat.completions.runTools({ ...ASK, tools: [], stream });
      await asked.promise;
      runner.abort();
      assert.equal((await failure(runner.done())).kind, "abort");
    });

    test(`from inside a tool keeps what it gave, and asks no more${streamed}`, async () => {
      const abort = tool("a", (args, runner) => { runner.abort(); return "done"; });
      const outcomes = await asOpenAI(begin([wants(call("a"))], { tools: [abort] }), { only: [stream] });
      assert.deepEqual(outcomes[stream].error, { message: "Request was aborted.", abort: true });
      assert.deepEqual(outcomes[stream].messages.at(-1), told("a", "done"));
    });

    test(`from inside a forced function does not end well${streamed}`, async () => {
      const tool_choice = { type: "function", function: { name: "a" } };
      const abort = tool("a", (args, runner) => { runner.abort(); return "done"; });
      const outcomes = await asOpenAI(begin([wants(call("a"))], { tools: [abort], tool_choice }), { only: [stream] });
      assert.deepEqual(outcomes[stream].error, { message: "Request was aborted.", abort: true });
    });

    test(`by a signal in the middle of a tool waits for it, and keeps what it gave${streamed}`, async () => {
      const started = gate();
      const finish = gate();
      const slow = tool("slow", async () => { started.open(); await finish.promise; return "done"; });
      const controller = new AbortController();
      const { runner, bodies } = run([wants(call("slow"))], { tools: [slow], stream }, { signal: controller.signal });
      const done = failure(runner.done());
      await started.promise;
      controller.abort(new Error("the user has left"));
      finish.open();
      const error = await done;
      assert.equal(error.kind, "abort");
      assert.equal(error.cause.message, "the user has left");
      assert.equal(bodies.length, 1);
      assert.deepEqual(runner.messages.at(-1), told("slow", "done"));
    });

    for (const parallel_tool_calls of BOTH) {
      test(`runs no tool that had not begun${parallel_tool_calls ? "" : ", one after the other"}${streamed}`, async () => {
        const tools = [tool("first", (args, runner) => { runner.abort(); return "1"; }), forbidden("second")];
        const begun = begin([wants(call("first"), call("second"))], { tools, parallel_tool_calls });
        const outcomes = await asOpenAI(begun, { only: [stream] });
        assert.deepEqual(outcomes[stream].error, { message: "Request was aborted.", abort: true });
        assert.deepEqual(outcomes[stream].messages.at(-1), told("first", "1"));
      });
    }

    // openai runs the first tool still.
    test(`when the model has just answered runs no tool${streamed}`, async () => {
      const { runner, bodies } = run([wants(call("a"))], { tools: [forbidden("a")], stream });
      runner.on("message", () => runner.abort());
      assert.equal((await failure(runner.done())).kind, "abort");
      assert.equal(bodies.length, 1);
      assert.deepEqual(runner.messages.map(({ role }) => role), ["user", "assistant"]);
    });

    test(`while arguments are parsed does not run the function${streamed}`, async () => {
      const parsing = gate();
      const parse = async () => { parsing.open(); await new Promise((resolve) => setImmediate(resolve)); return {}; };
      const { runner } = run([wants(call("a"))], { tools: [forbidden("a", { parse })], stream });
      await parsing.promise;
      runner.abort();
      assert.equal((await failure(runner.done())).kind, "abort");
    });

    test(`leaves nothing on the caller's signal${streamed}`, async () => {
      const { signal } = new AbortController();
      let listeners = 0;
      const { addEventListener, removeEventListener } = signal;
      signal.addEventListener = (...args) => (listeners++, addEventListener.apply(signal, args));
      signal.removeEventListener = (...args) => (listeners--, removeEventListener.apply(signal, args));
      const { runner } = run([wants(call("a")), says("b")], { tools: [tool("a", () => "1")], stream }, { signal });
      await runner.done();
      assert.equal(listeners, 0);
    });

    test(`by a signal whose reason a tool throws is an abort, whatever the reason${streamed}`, async () => {
      const controller = new AbortController();
      const waits = tool("a", (args, runner) => new Promise((_, reject) => {
        runner.controller.signal.addEventListener("abort", () => reject(runner.controller.signal.reason));
        controller.abort(new RangeError("the user has left"));
      }));
      const params = { tools: [waits], parallel_tool_calls: false, stream };
      const error = await failure(run([wants(call("a"))], params, { signal: controller.signal }).runner.done());
      assert.equal(error.kind, "abort");
      assert.equal(error.cause.message, "the user has left");
    });

    test(`by what a tool throws on the signal's word is an abort${streamed}`, async () => {
      const waits = tool("a", (args, { controller }) => new Promise((_, reject) => {
        controller.signal.addEventListener("abort", () => reject(controller.signal.reason));
        controller.abort();
      }));
      const outcomes = await asOpenAI(begin([wants(call("a"))], { tools: [waits], parallel_tool_calls: false }), { only: [stream] });
      assert.deepEqual(outcomes[stream].error, { message: "Request was aborted.", abort: true });
    });
  }
});

suite("an answer that is not whole", () => {
  const ERRORS = { length: LengthFinishReasonError, content_filter: ContentFilterFinishReasonError };
  for (const [finish_reason, Class] of Object.entries(ERRORS)) {
    for (const stream of BOTH) {
      test(`for ${finish_reason} ends the run before a tool is run${stream ? ", streamed" : ""} (C6, C9)`, async () => {
        const answers = [[wants(call("a", '{"amount":1')), { finish_reason }]];
        const { runner, bodies } = run(answers, { tools: [tool("a", () => assert.fail("was run"))], stream });
        assert.ok((await failure(runner.done())) instanceof Class);
        assert.equal(bodies.length, 1);
        assert.deepEqual(runner.messages, ASK.messages);
      });
    }
  }

  test("of no choice is an error", async () => {
    const { runner } = run([[says("a"), { choices: [] }]], { tools: [] });
    assert.match((await failure(runner.done())).message, /has no message/);
  });
});
