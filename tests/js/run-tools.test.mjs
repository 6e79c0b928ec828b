/** runTools(): the rules of the loop, with whole answers and streamed ones; where openai has the same rule, on both packages. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Chatmux, ChatmuxError, ParsingToolFunction, standardFunction } from "chatmux";
import { zodFunction } from "chatmux/zod";
import { zodFunction as theirZodFunction } from "openai/helpers/zod";
import { z } from "zod";
import { ASK, asOpenAI, begin, call, gate, run, says, told, tool, wants } from "./runs.mjs";
import { failure } from "./support.mjs";

const BOTH = [false, true];

suite("runTools()", () => {
  test("asks, runs what the model wants, tells it, asks again", async () => {
    const weather = tool("weather", ({ city }) => `It rains in ${city}.`, { parse: JSON.parse });
    const { false: whole } = await asOpenAI(begin([wants(call("weather", '{"city":"Oslo"}')), says("Take an umbrella.")], { tools: [weather] }));
    assert.equal(whole.final, "Take an umbrella.");
    const first = { role: "user", content: "What is the weather?" };
    assert.deepEqual(whole.requests, [
      [first],
      [first, wants(call("weather", '{"city":"Oslo"}')), told("weather", "It rains in Oslo.")],
    ]);
    assert.deepEqual(whole.seen.map(([event]) => event), [
      ...["connect", "chatCompletion", "message", "functionToolCall", "message", "functionToolCallResult"],
      ...["connect", "chatCompletion", "message", "content", "finalChatCompletion", "finalMessage", "finalContent"],
      ...["finalFunctionToolCall", "finalFunctionToolCallResult", "end"],
    ]);
  });

  test("sends tools without what runs them, and neither the context nor the options of the run", async () => {
    const weather = { ...tool("weather", () => "", { parse: JSON.parse, strict: true }), cache_control: { type: "ephemeral" } };
    const custom = { type: "custom", custom: { name: "sql", format: { type: "text" } } };
    const params = { tools: [weather, custom], toolContext: { user: 1 }, temperature: 0, extra_body: { top_k: 1 } };
    const { runner, bodies } = run([says("a")], params, { maxChatCompletions: 2, afterCompletion: () => {} });
    await runner.done();
    assert.deepEqual(bodies, [
      {
        model: "m",
        messages: ASK.messages,
        temperature: 0,
        top_k: 1,
        stream: false,
        tool_choice: "auto",
        tools: [
          {
            type: "function",
            function: { name: "weather", description: "Does weather", parameters: { type: "object", properties: {} }, strict: true },
            cache_control: { type: "ephemeral" },
          },
          custom,
        ],
      },
    ]);
  });

  test("sends neither a list of tools nor a choice where there are none", async () => {
    const { runner, bodies } = run([says("a")], { tools: [], tool_choice: "auto" });
    assert.equal(await runner.finalContent(), "a");
    assert.deepEqual(["tools" in bodies[0], "tool_choice" in bodies[0]], [false, false]);
  });

  test("names a tool after its function, where it has no name", async () => {
    const unnamed = { type: "function", function: { function: function weather() { return "rain"; }, parameters: {}, description: "" } };
    const { false: whole } = await asOpenAI(begin([wants(call("weather")), says("a")], { tools: [unnamed] }));
    assert.deepEqual(whole.requests[1].at(-1), told("weather", "rain"));
  });

  test("keeps the message of a run of tools that has none wanted", async () => {
    const { true: streamed } = await asOpenAI(begin([says("Hi")], { tools: [tool("weather", () => assert.fail())] }));
    assert.equal(streamed.requests.length, 1);
    assert.equal(streamed.final, "Hi");
  });

  test("leaves the caller's list of messages alone", async () => {
    const messages = Object.freeze([Object.freeze({ role: "user", content: "Hi" })]);
    const { runner } = run([wants(call("a")), says("b")], { messages, tools: [tool("a", () => "1")] });
    await runner.done();
    assert.equal(messages.length, 1);
    assert.equal(runner.messages[0], messages[0]);
    assert.deepEqual(runner.messages.map(({ role }) => role), ["user", "assistant", "tool", "assistant"]);
  });

  test("tells only of what is new", async () => {
    const messages = [...ASK.messages, { ...wants(call("a", "{}", "call_0")), content: "Before" }, told("a", "0", "call_0"), { role: "user", content: "And?" }];
    const { false: whole } = await asOpenAI(begin([says("After")], { messages, tools: [tool("a", () => "1")] }));
    assert.deepEqual(whole.seen.filter(([event]) => event === "content"), [["content", "After"]]);
  });

  test("adds up the tokens of all completions", async () => {
    const usage = { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 };
    const answers = [[wants(call("a")), { usage }], [says("b"), { usage }]];
    const { runner } = run(answers, { tools: [tool("a", () => "1")] });
    assert.deepEqual(await runner.totalUsage(), { prompt_tokens: 20, completion_tokens: 4, total_tokens: 24 });
    assert.equal(runner.allChatCompletions().length, 2);
  });
});

suite("what a tool gives", () => {
  const RESULTS = [
    ["text", "text"],
    ["", ""],
    [{ a: [1, null] }, '{"a":[1,null]}'],
    [[{ type: "text", text: "part" }], '[{"type":"text","text":"part"}]'],
    [0, "0"],
    [false, "false"],
    [null, "null"],
    [undefined, "undefined"],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [Promise.resolve({ late: true }), '{"late":true}'],
  ];
  for (const [result, content] of RESULTS) {
    test(`is told as text: ${content || "empty text"}`, async () => {
      const { false: whole } = await asOpenAI(begin([wants(call("a")), says("b")], { tools: [tool("a", () => result)] }));
      assert.deepEqual(whole.requests[1].at(-1), told("a", content));
    });
  }

  test("is told even where JSON has no word for it", async () => {
    const { runner, bodies } = run([wants(call("a")), says("b")], { tools: [tool("a", () => Symbol("s"))] });
    await runner.done();
    assert.deepEqual(bodies[1].messages.at(-1), told("a", "Symbol(s)"));
  });

  test("and what it is given: the arguments, the run and the context", async () => {
    for (const stream of BOTH) {
      const seen = [];
      const toolContext = { user: "u" };
      const tools = [
        tool("text", (...args) => void seen.push(args)),
        tool("parsed", (...args) => void seen.push(args), { parse: (text) => Promise.resolve([text]) }),
      ];
      const { runner } = run([wants(call("text", "{ }"), call("parsed", "{}")), says("b")], { tools, toolContext, stream });
      await runner.done();
      assert.deepEqual(seen, [["{ }", runner, toolContext], [["{}"], runner, toolContext]]);
    }
  });

  test("is asked of the function's own object, of classes too", async () => {
    class Weather {
      name = "weather";
      #city = "Oslo";
      parse(text) { return { text, city: this.#city }; }
      function = ({ text, city }) => `${text} ${city} ${this.#city}`;
    }
    const { runner, bodies } = run([wants(call("weather", "in")), says("b")], { tools: [new ParsingToolFunction(new Weather())] });
    // The parse of a class is on its prototype, which is no part of what is sent.
    await runner.done();
    assert.equal(bodies[1].messages.at(-1).content, "in Oslo Oslo");
  });
});

suite("several calls", () => {
  const two = wants(call("slow"), call("quick"));

  for (const stream of BOTH) {
    test(`of one answer run at the same time, and are told in their order${stream ? ", streamed" : ""}`, async () => {
      const quick = gate();
      const order = [];
      const tools = [
        tool("slow", async () => { await quick.promise; order.push("slow"); return "s"; }),
        tool("quick", async () => { order.push("quick"); quick.open(); return "q"; }),
      ];
      const { runner, bodies } = run([two, says("b")], { tools, stream });
      await runner.done();
      assert.deepEqual(order, ["quick", "slow"]);
      assert.deepEqual(bodies[1].messages.slice(-2), [told("slow", "s"), told("quick", "q")]);
    });

    test(`run one after the other with parallel_tool_calls: false${stream ? ", streamed" : ""}`, async () => {
      let running = 0;
      const each = async () => {
        assert.equal(++running, 1);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        return "x";
      };
      const { runner, bodies } = run([two, says("b")], { tools: [tool("slow", each), tool("quick", each)], stream, parallel_tool_calls: false });
      await runner.done();
      assert.equal(bodies[0].parallel_tool_calls, false);
      assert.deepEqual(bodies[1].messages.slice(-2), [told("slow", "x"), told("quick", "x")]);
    });
  }

  test("of one function are each told", async () => {
    const answers = [wants(call("a", "1", "call_1"), call("a", "2", "call_2")), says("b")];
    const { true: streamed } = await asOpenAI(begin(answers, { tools: [tool("a", (text) => text)] }));
    assert.deepEqual(streamed.requests[1].slice(-2), [told("a", "1", "call_1"), told("a", "2", "call_2")]);
  });
});

suite("a function that throws", () => {
  test("ends the run, with its error as the cause", async () => {
    const thrown = new RangeError("broken");
    const { false: whole } = await asOpenAI(begin([wants(call("a"))], { tools: [tool("a", () => { throw thrown; })] }));
    assert.deepEqual(whole.error, { message: "broken", abort: false });
    const error = await failure(run([wants(call("a"))], { tools: [tool("a", () => Promise.reject(thrown))] }).runner.done());
    assert.ok(error instanceof ChatmuxError);
    assert.equal(error.cause, thrown);
  });

  test("ends it when the others have ended, and nothing of the turn is told", async () => {
    for (const stream of BOTH) {
      let ended = false;
      const slow = async () => { await new Promise((resolve) => setTimeout(resolve, 20)); ended = true; };
      const tools = [tool("bad", () => { throw new Error("broken"); }), tool("slow", slow)];
      const { runner, bodies } = run([wants(call("bad"), call("slow"))], { tools, stream });
      const error = await failure(runner.done());
      assert.equal(error.message, "broken");
      assert.equal(ended, true);
      assert.equal(bodies.length, 1);
      assert.deepEqual(runner.messages.map(({ role }) => role), ["user", "assistant"]);
    }
  });

  test("keeps a later one of a serial run from being run", async () => {
    const tools = [tool("bad", () => { throw new Error("broken"); }), tool("next", () => assert.fail())];
    const { false: whole } = await asOpenAI(begin([wants(call("bad"), call("next"))], { tools, parallel_tool_calls: false }));
    assert.equal(whole.error.message, "broken");
  });

  test("whose result is no JSON ends the run", async () => {
    const { runner } = run([wants(call("a"))], { tools: [tool("a", () => 1n)] });
    assert.match((await failure(runner.done())).message, /BigInt/);
  });
});

suite("arguments that cannot be parsed", () => {
  test("are told to the model, which may try again", async () => {
    const parse = (text) => { if (text === "[]") throw new Error("must be an object"); return JSON.parse(text); };
    const answers = [wants(call("a", "[]")), wants(call("a", "{}", "call_2")), says("b")];
    const { true: streamed } = await asOpenAI(begin(answers, { tools: [tool("a", () => "ok", { parse })] }));
    assert.deepEqual(streamed.requests[2].filter(({ role }) => role === "tool"), [told("a", "must be an object"), told("a", "ok", "call_2")]);
  });

  test("are told whatever parse throws, and however late", async () => {
    const parse = () => Promise.reject("just text");
    const { false: whole } = await asOpenAI(begin([wants(call("a")), says("b")], { tools: [tool("a", () => assert.fail(), { parse })] }));
    assert.deepEqual(whole.requests[1].at(-1), told("a", "just text"));
  });

  test("of a strict tool do not end the run either", async () => {
    for (const stream of BOTH) {
      const parse = (text) => { try { return JSON.parse(text); } catch { throw new Error("no JSON"); } };
      const tools = [tool("a", ({ x }) => x, { parse, strict: true })];
      const { runner, bodies } = run([wants(call("a", "{x")), wants(call("a", '{"x":"y"}')), says("b")], { tools, stream });
      await runner.done();
      assert.deepEqual(bodies[2].messages.filter(({ role }) => role === "tool"), [told("a", "no JSON"), told("a", "y")]);
      const parsed = runner.messages.flatMap(({ tool_calls }) => tool_calls ?? []).map((each) => each.function.parsed_arguments);
      assert.deepEqual(parsed, [null, { x: "y" }]);
    }
  });
});

suite("a function that is not there", () => {
  test("is told to the model with those that are", async () => {
    const tools = [tool("a", () => "1"), tool("b", () => "2")];
    const { true: streamed } = await asOpenAI(begin([wants(call("c")), says("d")], { tools }));
    const content = 'Invalid tool_call: "c". Available options are: "a", "b". Please try again';
    assert.deepEqual(streamed.requests[1].at(-1), told("c", content));
  });

  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"]) {
    test(`is not there for being inherited: ${name} (C3)`, async () => {
      const { true: streamed } = await asOpenAI(begin([wants(call(name)), says("d")], { tools: [tool("a", () => assert.fail())] }));
      assert.deepEqual(streamed.requests[1].at(-1), told(name, `Invalid tool_call: ${JSON.stringify(name)}. Available options are: "a". Please try again`));
    });

    test(`is there where somebody has called a tool ${name} (C3)`, async () => {
      for (const stream of BOTH) {
        const { runner, bodies } = run([wants(call(name)), says("d")], { tools: [tool(name, () => "mine")], stream });
        await runner.done();
        assert.deepEqual(bodies[1].messages.at(-1), told(name, "mine"));
      }
    });
  }
});

suite("a forced function", () => {
  const tool_choice = { type: "function", function: { name: "a" } };

  test("ends the run when it has been run, once", async () => {
    let runs = 0;
    const params = { tools: [tool("a", () => String(++runs))], tool_choice };
    const answers = [wants(call("a", "{}", "call_1"), call("a", "{}", "call_2"))];
    const { runner, bodies } = run(answers, params);
    await runner.done();
    assert.equal(runs, 1);
    assert.deepEqual(bodies[0].tool_choice, tool_choice);
    assert.deepEqual(runner.messages.at(-1), told("a", "1", "call_1"));
    await asOpenAI(begin(answers, { ...params, tools: [tool("a", () => "1")] }));
  });

  test("is asked for again where the model calls another, or writes what cannot be parsed", async () => {
    const parse = (text) => JSON.parse(text);
    const tools = [tool("a", () => "ok", { parse }), tool("b", () => assert.fail())];
    const answers = [wants(call("b")), wants(call("a", "{}"))];
    const { false: whole } = await asOpenAI(begin(answers, { tools, tool_choice }));
    assert.equal(whole.messages[2].content, 'Invalid tool_call: "b". "a" requested. Please try again');
    assert.deepEqual(whole.messages.at(-1), told("a", "ok"));
  });

  test("of `required` is none: the run goes on", async () => {
    const { false: whole } = await asOpenAI(begin([wants(call("a")), says("b")], { tools: [tool("a", () => "1")], tool_choice: "required" }));
    assert.equal(whole.final, "b");
  });
});

suite("maxChatCompletions", () => {
  test("ends the run well, when the tools of the last have been run", async () => {
    const params = { tools: [tool("a", () => "1")] };
    const { true: streamed } = await asOpenAI(begin([wants(call("a")), wants(call("a"))], params, { maxChatCompletions: 2 }));
    assert.equal(streamed.error, null);
    assert.equal(streamed.requests.length, 2);
    assert.deepEqual(streamed.messages.at(-1), told("a", "1"));
    assert.equal(streamed.final, null);
  });

  test("is 10, where nobody says", async () => {
    const { false: whole } = await asOpenAI(begin(Array(11).fill(wants(call("a"))), { tools: [tool("a", () => "1")] }), { only: [false] });
    assert.equal(whole.requests.length, 10);
  });

  for (const maxChatCompletions of [0, -1, NaN, "many"]) {
    test(`of ${maxChatCompletions} is refused`, async () => {
      const { runner, bodies } = run([], { tools: [] }, { maxChatCompletions });
      assert.match((await failure(runner.done())).message, /`maxChatCompletions` must be 1 or more/);
      assert.equal(bodies.length, 0);
    });
  }
});

suite("afterCompletion", () => {
  test("is called after each completion and its tools, and waited for", async () => {
    for (const stream of BOTH) {
      const seen = [];
      const afterCompletion = async (completion, runner) => {
        await new Promise((resolve) => setImmediate(resolve));
        seen.push([completion.choices[0].finish_reason, runner.messages.at(-1).role]);
      };
      const { runner, bodies } = run([wants(call("a")), says("b")], { tools: [tool("a", () => "1")], stream }, { afterCompletion });
      runner.on("connect", () => seen.push(bodies.length));
      await runner.done();
      assert.deepEqual(seen, [1, ["tool_calls", "tool"], 2, ["stop", "assistant"]]);
    }
  });

  test("may add messages, which are sent with the next request", async () => {
    const afterCompletion = (completion, runner) => void runner.messages.push({ role: "user", content: "Hurry." });
    const { false: whole } = await asOpenAI(begin([wants(call("a")), says("b")], { tools: [tool("a", () => "1")] }, { afterCompletion }));
    assert.deepEqual(whole.requests[1].slice(-2), [told("a", "1"), { role: "user", content: "Hurry." }]);
  });

  test("may give the conversation another list", async () => {
    const afterCompletion = (completion, runner) => void (runner.messages = runner.messages.slice(-2));
    const { runner, bodies } = run([wants(call("a")), says("b")], { tools: [tool("a", () => "1")] }, { afterCompletion });
    await runner.done();
    assert.deepEqual(bodies[1].messages, [wants(call("a")), told("a", "1")]);
  });

  test("is called after a forced function, too", async () => {
    const tool_choice = { type: "function", function: { name: "a" } };
    let calls = 0;
    const { runner } = run([wants(call("a"))], { tools: [tool("a", () => "1")], tool_choice }, { afterCompletion: () => void calls++ });
    await runner.done();
    assert.equal(calls, 1);
  });

  test("ends the run with what it throws", async () => {
    const afterCompletion = () => { throw new Error("enough"); };
    const { true: streamed } = await asOpenAI(begin([says("b")], { tools: [] }, { afterCompletion }));
    assert.deepEqual(streamed.error, { message: "enough", abort: false });
  });

  test("may abort the run after its last answer, too", async () => {
    const afterCompletion = (completion, runner) => runner.abort();
    const { false: whole } = await asOpenAI(begin([says("b")], { tools: [] }, { afterCompletion }));
    assert.deepEqual(whole.error, { message: "Request was aborted.", abort: true });
  });

  test("may abort the run", async () => {
    const afterCompletion = (completion, runner) => runner.abort();
    const { false: whole } = await asOpenAI(begin([wants(call("a"))], { tools: [tool("a", () => "1")] }, { afterCompletion }));
    assert.deepEqual(whole.error, { message: "Request was aborted.", abort: true });
    assert.deepEqual(whole.messages.at(-1), told("a", "1"));
  });
});

suite("a tool call", () => {
  for (const id of ["", undefined]) {
    test(`${id === "" ? "with an empty id" : "without an id"} gets one, which its result has, too (C8)`, async () => {
      for (const stream of BOTH) {
        const nameless = { type: "function", function: { name: "a", arguments: "{}" }, ...(id === undefined ? {} : { id }) };
        const { runner, bodies } = run([wants(nameless, nameless), says("b")], { tools: [tool("a", () => "1")], stream });
        await runner.done();
        const [, { tool_calls }, ...results] = bodies[1].messages;
        const ids = tool_calls.map((each) => each.id);
        assert.equal(new Set(ids).size, 2);
        for (const given of ids) assert.match(given, /^call_./);
        assert.deepEqual(results.map(({ tool_call_id }) => tool_call_id), ids);
      }
    });
  }

  test("of a custom tool passes by, for the caller to answer", async () => {
    const custom = { id: "call_sql", type: "custom", custom: { name: "sql", input: "select 1" } };
    const afterCompletion = ({ choices }, runner) => {
      if (choices[0].message.tool_calls) runner.messages.push(told("sql", "1 row"));
    };
    const tools = [tool("a", () => "1"), { type: "custom", custom: { name: "sql" } }];
    for (const stream of BOTH) {
      const { runner, bodies } = run([wants(custom, call("a")), says("b")], { tools, stream }, { afterCompletion });
      await runner.done();
      assert.deepEqual(bodies[1].messages.slice(1), [wants(custom, call("a")), told("a", "1"), told("sql", "1 row")]);
    }
  });
});

suite("a tool that brings its own function", () => {
  /** What zodFunction() makes. */
  const parseable = (more = {}) =>
    Object.defineProperties(
      { type: "function", function: { name: "add", parameters: { type: "object" }, strict: true } },
      Object.fromEntries(
        Object.entries({
          $brand: "auto-parseable-tool",
          $callback: ({ a, b }) => a + b,
          $parseRaw: (text) => { const { a, b } = JSON.parse(text); if (!Number.isFinite(a)) throw new Error("a must be a number"); return { a, b }; },
          ...more,
        }).map(([name, value]) => [name, { value }]),
      ),
    );

  test("is run with what it has parsed", async () => {
    const answers = [wants(call("add", '{"a":"1","b":2}')), wants(call("add", '{"a":1,"b":2}')), says("3")];
    const { true: streamed, false: whole } = await asOpenAI(begin(answers, { tools: [parseable()] }));
    for (const { requests } of [streamed, whole]) {
      assert.deepEqual(requests[2].filter(({ role }) => role === "tool"), [told("add", "a must be a number"), told("add", "3")]);
    }
  });

  test("is what zodFunction() makes, of either package", async () => {
    const definition = {
      name: "add",
      parameters: z.object({ a: z.number(), b: z.number() }),
      function: ({ a, b }) => ({ sum: a + b }),
    };
    const answers = [wants(call("add", '{"a":1,"b":2}')), says("3")];
    const made = (Client) => (Client === Chatmux ? zodFunction : theirZodFunction)(definition);
    const { true: streamed } = await asOpenAI((Client, stream) => begin(answers, { tools: [made(Client)] })(Client, stream));
    assert.deepEqual(streamed.requests[1].at(-1), told("add", '{"sum":3}'));
    assert.deepEqual(streamed.messages[1].tool_calls[0].function.parsed_arguments, { a: 1, b: 2 });
  });

  test("is what standardFunction() makes, whose schema may take its time", async () => {
    const validate = async ({ a }) => (a > 0 ? { value: { a: a * 10 } } : { issues: [{ message: "must be positive", path: ["a"] }] });
    const input = () => ({ type: "object", properties: { a: { type: "number" } }, required: ["a"], additionalProperties: false });
    const parameters = { "~standard": { version: 1, vendor: "test", validate, jsonSchema: { input, output: input } } };
    const times = standardFunction({ name: "times", parameters, function: ({ a }) => a });
    for (const stream of BOTH) {
      const { runner, bodies } = run([wants(call("times", '{"a":0}'), call("times", '{"a":2}', "call_2")), says("b")], { tools: [times], stream });
      await runner.done();
      const [refused, done] = bodies[1].messages.slice(-2);
      assert.match(refused.content, /must be positive/);
      assert.deepEqual(done, told("times", "20", "call_2"));
    }
  });

  test("may have a schema that brings its own JSON Schema as parameters, which parses unless there is a parse", async () => {
    const parameters = z.object({ a: z.number() });
    const tools = [
      { type: "function", function: { name: "one", parameters, function: ({ a }) => a + 1 } },
      { type: "function", function: { name: "two", parameters, parse: (text) => text, function: (text) => text } },
    ];
    for (const stream of BOTH) {
      const answers = [wants(call("one", '{"a":1}'), call("one", '{"a":"x"}', "call_2"), call("two", "{}")), says("b")];
      const { runner, bodies } = run(answers, { tools, stream });
      await runner.done();
      const [done, refused, text] = bodies[1].messages.slice(-3);
      assert.deepEqual([done, text], [told("one", "2"), told("two", "{}")]);
      assert.match(refused.content, /expected number/);
      assert.deepEqual(bodies[0].tools[0].function.parameters.properties, { a: { type: "number" } });
    }
  });

  test("is refused without a function", async () => {
    const { runner, bodies } = run([], { tools: [parseable({ $callback: undefined })] });
    assert.match((await failure(runner.done())).message, /no function to run/);
    assert.equal(bodies.length, 0);
  });
});

suite("a request that cannot be run", () => {
  const WRONG = [
    ["without tools", { tools: undefined }, /`tools` must be a list/],
    ["without messages", { messages: undefined, tools: [] }, /`messages` must be a list/],
    ["with a tool that nobody can run", { tools: [{ type: "function", function: { name: "a" } }] }, /no function to run/],
    ["with a tool that has no name", { tools: [tool("", (() => () => {})())] }, /has no name/],
    ["of several answers", { tools: [], n: 2 }, /n=1/],
  ];
  for (const [what, params, why] of WRONG) {
    test(`${what} is an error of the run, and nothing is sent`, async () => {
      for (const stream of BOTH) {
        const { runner, bodies } = run([], { ...params, stream });
        const error = await failure(runner.done());
        assert.ok(error instanceof ChatmuxError);
        assert.match(error.message, why);
        assert.equal(bodies.length, 0);
      }
    });
  }
});

suite("the last answer", () => {
  const response_format = { type: "json_schema", json_schema: { name: "n", schema: { type: "object" }, strict: true } };

  test("is parsed where response_format says so, and sent back without", async () => {
    const answers = [wants(call("a")), says('{"n":1}')];
    const { false: whole, true: streamed } = await asOpenAI(begin(answers, { tools: [tool("a", () => "1")], response_format }));
    for (const { messages } of [whole, streamed]) assert.deepEqual(messages.at(-1).parsed, { n: 1 });
    const { runner } = run(answers, { tools: [tool("a", () => "1")], response_format });
    assert.deepEqual((await runner.finalMessage()).parsed, { n: 1 });
  });

  test("is parsed by a schema that brings its own JSON Schema", async () => {
    const validate = (value) => (typeof value.n === "number" ? { value: { n: value.n + 1 } } : { issues: [{ message: "n" }] });
    const jsonSchema = { input: () => ({ type: "object", properties: { n: { type: "number" } }, required: ["n"] }) };
    const schema = { "~standard": { version: 1, vendor: "test", validate, jsonSchema } };
    for (const stream of BOTH) {
      const { runner, bodies } = run([wants(call("a")), says('{"n":1}')], { tools: [tool("a", () => "1")], response_format: schema, stream });
      assert.deepEqual((await runner.finalMessage()).parsed, { n: 2 });
      for (const body of bodies) assert.equal(body.response_format.type, "json_schema");
    }
  });
});
