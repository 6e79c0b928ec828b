/**
 * The same program in every runtime: it loses the instance in each way and at each place, with calls and streams in flight,
 * and asks on. It says what it saw; the test judges.
 */
const WAYS = ["trap", "overflow", "memory"];
const MESSAGES = [{ role: "user", content: "x" }];
const TEXT = "The answer is 42.";
const DEPTHS = 200;

export async function run({ Chatmux, init }, glue, baseURL, rounds) {
  const strays = watchStrays();
  await init();
  const seen = { kinds: {}, causes: {}, handles: {}, next: {}, strays, listeners: 0, open: 0 };
  const count = (of, what) => (of[what] = (of[what] ?? 0) + 1);
  const client = (options) => new Chatmux({ apiKey: async () => "demo", baseURL, ...options });

  for (let round = 0; round < rounds; round++) {
    for (const how of WAYS) {
      for (const place of [atOnce, inFuture, inCall]) {
        const signals = [];
        const handle = await rawHandle(glue);
        const flights = await takeOff(client, signals);
        const causes = [];
        count(seen.kinds, await place(glue, how, client, causes));
        for (const name of causes) count(seen.causes, `${how}: ${name}`);
        for (const kind of await Promise.all(flights)) count(seen.kinds, kind);
        for (const touch of TOUCHES) count(seen.handles, await kindOf(async () => touch(handle)));
        const next = client().chat.completions;
        count(seen.next, await next.create({ model: "good", messages: MESSAGES }).then(({ choices }) => choices[0].message.content, String));
        count(seen.next, await next.create({ model: "good", messages: MESSAGES, stream: true }).then((stream) => stream.text()).catch(String));
        seen.listeners += signals.reduce((total, signal) => total + signal.listeners, 0);
      }
    }
  }
  // Only a server knows when a connection is closed.
  for (let tries = 0; tries < 100; tries++) {
    seen.open = await fetch(`${baseURL}/open`).then((response) => response.json());
    if (!seen.open) break;
    await sleep(20);
  }
  await sleep(50);
  return { ...seen, large: await tooLarge(client), full: await whileFull(client, glue), deep: await whileDeep(client, glue) };
}

/** What the program of a runtime does with errors that nobody handled. */
function watchStrays() {
  const strays = [];
  const note = (what) => strays.push(String(what?.reason ?? what?.error ?? what));
  globalThis.process?.on?.("unhandledRejection", note);
  globalThis.process?.on?.("uncaughtException", note);
  for (const type of ["unhandledrejection", "error"]) globalThis.addEventListener?.(type, note);
  return strays;
}

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The kind of the error that something ends with. */
async function kindOf(run, causes = []) {
  let timer;
  const never = new Promise((resolve) => (timer = setTimeout(() => resolve("never ended"), 3000)));
  const note = (error) => {
    causes.push(error?.cause?.name);
    return error?.kind ?? String(error);
  };
  const kind = await Promise.race([never, run().then(() => "no error", note)]);
  clearTimeout(timer);
  return kind;
}

/** Calls and streams of all sorts, each waiting for something that does not come; resolves to how each will end. */
async function takeOff(client, signals) {
  const ways = [
    // For the headers of an answer.
    { model: "headers" },
    // For the rest of a whole body.
    { model: "body" },
    // For the next event, and among many events.
    { model: "stream", stream: true },
    { model: "drip", stream: true },
    // For the key.
    { model: "good", apiKey: () => new Promise(() => {}) },
    // For the next try.
    { model: "busy" },
  ];
  const under = ways.map(({ model, stream, apiKey }) => {
    const signal = counted(signals);
    const { promise: waits, resolve: isWaiting } = withResolvers();
    const knock = (url, init) => {
      const response = fetch(url, init);
      if (model === "headers") setTimeout(isWaiting, 10);
      else if (!stream) response.then(() => setTimeout(isWaiting, 10));
      return response;
    };
    const options = apiKey ? { apiKey: () => (isWaiting(), apiKey()) } : {};
    const ended = kindOf(async () => {
      const answer = await client({ fetch: knock, ...options }).chat.completions.create({ model, stream, messages: MESSAGES }, { signal });
      for await (const _ of answer) isWaiting();
    });
    return { ended, waits };
  });
  // One that is open and not being read.
  const unread = await client().chat.completions.create({ model: "drip", messages: MESSAGES, stream: true }, { signal: counted(signals) });
  const chunks = unread[Symbol.asyncIterator]();
  await chunks.next();
  await Promise.all(under.map(({ waits }) => waits));
  const later = under[0].ended.then(() => kindOf(() => chunks.next()));
  const over = later.then(async () => ((await chunks.next()).done && !unread.partial ? "wasm_failed" : "goes on"));
  return [...under.map(({ ended }) => ended), later, over];
}

/** A signal that knows how many listeners it has. */
function counted(signals) {
  const { signal } = new AbortController();
  const listeners = new Set();
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (type, listener) => (listeners.add(listener), addEventListener.call(signal, type, listener));
  signal.removeEventListener = (type, listener) => (listeners.delete(listener), removeEventListener.call(signal, type, listener));
  signals.push({ get listeners() { return listeners.size; } });
  return signal;
}

function withResolvers() {
  let resolve;
  const promise = new Promise((call) => (resolve = call));
  return { promise, resolve };
}

/** In an export that JavaScript has called. */
const atOnce = (glue, how, _, causes) => kindOf(async () => glue.forceTrap(how), causes);

/** In a future, where nobody hears of it. */
async function inFuture(glue, how) {
  glue.forceTrapLater(how, Promise.resolve());
  await sleep(0);
  return "wasm_failed";
}

/** In the future of a call, below what the core has asked JavaScript for, which catches. */
function inCall(glue, how, client) {
  const response = {
    get headers() {
      try {
        glue.forceTrap(how);
      } catch {}
      return new Headers();
    },
    status: 500,
  };
  return kindOf(() => client({ fetch: async () => response }).chat.completions.create({ model: "good", messages: MESSAGES }));
}

const event = (text) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: text } }] })}\n\n`;
const streamOf = (text) => new Response(`${event(text)}data: [DONE]\n\n`, { headers: { "content-type": "text/event-stream" } });

/** A handle of the core itself. */
function rawHandle(glue) {
  const options = { baseURL: "http://provider.test/v1", apiKey: "demo", fetch: async () => streamOf(TEXT) };
  return glue.createChatCompletionStream({ model: "good", messages: MESSAGES, stream: true }, options);
}

const TOUCHES = [
  (handle) => handle.room(8),
  (handle) => handle.feed(0),
  (handle) => handle.partial(0),
  (handle) => handle.finish(),
  (handle) => handle.body,
  (handle) => handle.controller,
  (handle) => handle.textOnly(),
  (handle) => handle.broken(1),
  (handle) => handle.close(),
  (handle) => handle.free(),
];

/** An event that is larger than the memory, and an answer after it. */
async function tooLarge(client) {
  const ask = (text) => client({ fetch: async () => streamOf(text) }).chat.completions.create({ model: "m", messages: MESSAGES, stream: true });
  const kind = await kindOf(async () => (await ask("x".repeat(8 << 20))).text());
  return [kind, await (await ask(TEXT)).text()];
}

/** Calls where memory runs out a little later each time: how those end that fail, and how many go well. */
async function whileFull(client, glue) {
  const fetch = async () => streamOf(TEXT);
  const ask = async () => (await client({ fetch }).chat.completions.create({ model: "m", messages: MESSAGES, stream: true })).text();
  const ends = {};
  for (let leave = 0; leave < 1 << 16; leave += leave < 4096 ? 64 : 2048) {
    await ask();
    glue.fillMemory(leave);
    const kind = await kindOf(ask);
    ends[kind] = (ends[kind] ?? 0) + 1;
    await kindOf(async () => glue.forceTrap("trap"));
  }
  await sleep(50);
  return ends;
}

/** Calls after the instance was lost on a stack that was full but for so many frames: how they end. */
async function whileDeep(client, glue) {
  const fetch = async () => streamOf(TEXT);
  const ends = {};
  for (let frames = 0; frames < DEPTHS; frames++) {
    let left = frames;
    const dive = () => {
      try {
        dive();
      } catch {}
      if (left-- !== 0) return;
      try {
        glue.forceTrap("trap");
      } catch {}
    };
    dive();
    const asked = client({ fetch }).chat.completions.create({ model: "m", messages: MESSAGES, stream: true });
    const end = await asked.then((stream) => stream.text()).catch(String);
    ends[end] = (ends[end] ?? 0) + 1;
  }
  return ends;
}
