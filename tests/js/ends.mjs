/**
 * Each way in which a call may end, and what is left of it: listeners on the caller's signal, timers, readers of bodies,
 * bodies that nobody let go. Nothing but the standard is used: it runs in Node, in browsers and in workerd.
 */

const chunk = (content, finish_reason = null) => ({ id: "1", choices: [{ index: 0, delta: content ? { content } : {}, finish_reason }] });
const event = (data) => `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
const COMPLETION = JSON.stringify({ id: "1", choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }] });
const EVENTS = [chunk("a"), chunk("b"), chunk(null, "stop"), "[DONE]"].map(event);
const REQUEST = { model: "m", messages: [{ role: "user", content: "x" }] };
const LIMITS = { timeout: 60_000, idleTimeout: 50_000, firstEventTimeout: 40_000, totalTimeout: 70_000 };

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
async function collect(stream) {
  for await (const _ of stream);
}

const json = (parts, options) => () => counted(parts, { type: "application/json", ...options });
const halves = (text) => [text.slice(0, 5), text.slice(5)];
const stream = (parts = EVENTS, options) => () => counted(parts, { type: "text/event-stream", ...options });
const broken = new TypeError("terminated");
const ask = (options = {}) => (client, call) => client.chat.completions.create(REQUEST, { ...call, ...options });
const open = (client, call) => client.chat.completions.create({ ...REQUEST, stream: true }, call);
const read = (options = {}) => async (client, call) => collect(await open(client, { ...call, ...options }));

/** Each way: what is answered, and what the caller does. */
export const WAYS = {
  "a whole answer": [json(halves(COMPLETION)), ask()],
  "a list of models": [json(['{"data"', ":[]}"]), (client, call) => client.models.list(call)],
  "an error": [json(['{"error":', '{"message":"no"}}'], { status: 400 }), ask()],
  "errors until the last try": [json(["bu", "sy"], { status: 500 }), ask({ maxRetries: 2 })],
  "malformed JSON": [json(["{{{", "{{{"]), ask()],
  "an answer that is too large": [json(halves(COMPLETION)), ask({ maxResponseBytes: 10 })],
  "a body that breaks": [json(["{ "], { fail: broken }), ask()],
  "a body that stalls": [json(["{ "], { hang: true }), ask({ timeout: 30 })],
  "a body that takes too long in all": [json(["{ "], { hang: true }), ask({ totalTimeout: 30 })],
  "an abort while the body is read": [json(["{ "], { hang: true }), (client, call, abort) => (setTimeout(abort, 10), ask()(client, call))],
  "a stream read to its end": [stream(), read()],
  "a stream read as text": [stream(), async (...args) => (await open(...args)).text()],
  "a stream left with break": [stream(), async (...args) => {
    for await (const _ of await open(...args)) break;
  }],
  "texts left with break": [stream(), async (...args) => {
    for await (const _ of (await open(...args)).textDeltas()) break;
  }],
  "a stream left with an error of the loop": [stream(), async (...args) => {
    for await (const _ of await open(...args)) throw new Error("own");
  }],
  "a stream left while a read waits": [stream(EVENTS.slice(0, 1), { hang: true }), async (...args) => {
    const iterator = (await open(...args))[Symbol.asyncIterator]();
    const reads = Promise.all(Array.from({ length: 5 }, () => iterator.next()));
    await pause(5);
    await iterator.return();
    await reads;
  }],
  "a stream aborted by the caller": [stream(EVENTS.slice(0, 1), { hang: true }), (client, call, abort) => (setTimeout(abort, 10), read()(client, call))],
  "a stream aborted by its controller": [stream(), async (...args) => {
    const one = await open(...args);
    for await (const _ of one) one.controller.abort();
  }],
  "a stream aborted before it is begun": [stream(), async (...args) => (await open(...args)).controller.abort()],
  "a stream that was cut": [stream(EVENTS.slice(0, 1)), read()],
  "a stream that breaks": [stream(EVENTS.slice(0, 1), { fail: broken }), read()],
  "a stream with an error": [stream([EVENTS[0], event({ error: { message: "boom" } }), EVENTS[1]]), read()],
  "a stream with malformed JSON": [stream([EVENTS[0], event("{broken")]), read()],
  "a stream with too large an event": [stream(), read({ maxEventBytes: 20 })],
  "a stream that is too large": [stream(), read({ maxResponseBytes: 20 })],
  "a stream that stalls": [stream(EVENTS.slice(0, 1), { hang: true }), read({ idleTimeout: 30 })],
  "a stream without a first event": [stream([], { hang: true }), read({ firstEventTimeout: 30 })],
  "a stream that has had its time": [stream(EVENTS.slice(0, 1), { hang: true }), read({ totalTimeout: 40 })],
  "a stream that is none": [() => counted(["<html>", "</html>"], { type: "text/html" }), open],
  "a stream that was split, both sides left": [stream(), async (...args) => {
    for (const side of (await open(...args)).tee()) for await (const _ of side) break;
  }],
  "a stream that was split and read": [stream(), async (...args) => Promise.all((await open(...args)).tee().map(collect))],
  "a stream that was sent on": [stream(), async (...args) => new Response((await open(...args)).toReadableStream()).text()],
  "a stream that was sent on and cancelled": [stream(), async (...args) => (await open(...args)).toReadableStream().cancel()],
};

/** A response whose body says whether it was let go, and who reads it. */
function counted(parts, { status = 200, type, fail, hang }) {
  const encoder = new TextEncoder();
  const left = [...parts];
  const seen = { isOver: false, isReadByRuntime: false };
  seen.body = new ReadableStream(
    {
      pull(controller) {
        if (left.length) return controller.enqueue(encoder.encode(left.shift()));
        if (hang) return new Promise(() => {});
        seen.isOver = true;
        if (fail) controller.error(fail);
        else controller.close();
      },
      cancel() {
        seen.isOver = true;
      },
    },
    { highWaterMark: 0 },
  );
  const { body } = seen;
  const runtimes = (method) => () => ((seen.isReadByRuntime = true), new Response(body)[method]());
  const headers = new Headers({ "content-type": type, "retry-after-ms": "0" });
  seen.response = { status, ok: status < 300, headers, body, text: runtimes("text"), json: runtimes("json"), arrayBuffer: runtimes("arrayBuffer") };
  return seen;
}

/** Ends a call in this way. Says what is left of it, once nothing changes any more. */
export async function leftAfter(Chatmux, way) {
  const [respond, use] = WAYS[way];
  const timers = countTimers();
  const listeners = { now: 0, ever: 0 };
  const controller = new AbortController();
  countListeners(controller.signal, listeners);
  const answers = [];
  const fetch = async () => (answers.push(respond()), answers.at(-1).response);
  const client = new Chatmux({ apiKey: async () => "sk-test-1234567890", baseURL: "http://provider.test/v1", maxRetries: 0, fetch, ...LIMITS });
  let hasEnded = false;
  const call = async () => use(client, { signal: controller.signal }, () => controller.abort());
  const ended = call().then(() => (hasEnded = true), () => (hasEnded = true));
  // The timer of this wait is none of those that are counted.
  await Promise.race([ended, timers.wait(3000)]);
  const left = () => ({
    hasEnded,
    answers: answers.length,
    listenersEver: listeners.ever > 0,
    listeners: listeners.now,
    timers: timers.now.size,
    bodies: answers.filter(({ isOver }) => !isOver).length,
    readers: answers.filter(({ body, isReadByRuntime }) => body.locked && !isReadByRuntime).length,
  });
  // The end of a response after [DONE] is waited for a moment; bodies are let go in the background.
  for (let tries = 0; tries < 30; tries++) {
    const { timers: set, bodies, readers } = left();
    if (!set && !bodies && !readers) break;
    await timers.wait(10);
  }
  timers.restore();
  return left();
}

/** What every way must leave. */
export const NOTHING = { hasEnded: true, listenersEver: true, listeners: 0, timers: 0, bodies: 0, readers: 0 };

/** Counts the timers that are set and have neither run nor been cleared, of everybody. */
function countTimers() {
  const now = new Set();
  const originals = { setTimeout, clearTimeout, setInterval, clearInterval };
  const bound = Object.fromEntries(Object.entries(originals).map(([name, original]) => [name, original.bind(globalThis)]));
  for (const [set, clear, repeats] of [["setTimeout", "clearTimeout", false], ["setInterval", "clearInterval", true]]) {
    globalThis[set] = (callback, ...rest) => {
      const timer = bound[set]((...args) => (repeats || now.delete(timer), callback(...args)), ...rest);
      now.add(timer);
      return timer;
    };
    globalThis[clear] = (timer) => (now.delete(timer), bound[clear](timer));
  }
  return {
    now,
    wait: (milliseconds) => new Promise((resolve) => bound.setTimeout(resolve, milliseconds)),
    restore: () => Object.assign(globalThis, originals),
  };
}

/** Counts the listeners that are on a signal, now and ever. */
export function countListeners(signal, count = { now: 0, ever: 0 }) {
  const listeners = new Set();
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = function (type, listener, options) {
    if (!listeners.has(listener)) count.now++, count.ever++;
    listeners.add(listener);
    return addEventListener.call(this, type, listener, options);
  };
  signal.removeEventListener = function (type, listener, options) {
    if (listeners.delete(listener)) count.now--;
    return removeEventListener.call(this, type, listener, options);
  };
  return count;
}
