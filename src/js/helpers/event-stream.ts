/** A run as those see it who follow it: what happens is told to listeners, its end to whoever waits for it. */

import { APIUserAbortError, ChatmuxError } from "../errors.js";
import { END } from "../response-body.js";

/** What happens in every run. */
export interface BaseEvents {
  /** The response has begun: once for each request of the run. */
  connect: () => void;
  /** The run failed. `end` follows. */
  error: (error: ChatmuxError) => void;
  /** The run was aborted. `end` follows. */
  abort: (error: APIUserAbortError) => void;
  /** The run is over, well or not: nothing follows. */
  end: () => void;
}

/** What the listeners of an event are called with. */
export type EventParameters<Events, Event extends keyof Events> = Events[Event] extends (...args: infer Args) => unknown
  ? Args
  : never;

/** What a promise of an event is kept with: its one argument, or all of them. */
export type EmittedEventResult<Args extends unknown[]> = Args extends [] ? void : Args extends [infer Only] ? Only : Args;

interface Registered {
  readonly listener: (...args: never[]) => unknown;
  readonly isOnce: boolean;
}

/** How many items may wait for a `for await` before the run waits for it. */
const MAX_WAITING = 4096;

/**
 * A run with events. Listeners are called in the order in which they were added, before anything else happens; one that
 * throws makes the run fail.
 *
 * A run that fails or is aborted while nobody listens to that and nobody waits for it is an unhandled rejection.
 */
export class EventStream<EventTypes extends BaseEvents> {
  /** Ends the run, and the request behind it. */
  readonly controller: AbortController = new AbortController();
  // The lists are never changed, only replaced: who is being told of an event is not affected by what listeners do.
  readonly #listeners = new Map<PropertyKey, readonly Registered[]>();
  /** The `for await` loops that follow the run. */
  readonly #readers = new Set<Pick<Reader<unknown>, "size" | "end">>();
  readonly #signals = new Map<AbortSignal, () => void>();
  #whole!: Promise<void>;
  #resolve!: () => void;
  #reject!: (error: ChatmuxError) => void;
  #failure: ChatmuxError | undefined;
  #isEnded = false;
  #isErrored = false;
  #isAborted = false;
  /** Whether somebody has been given a promise, by which they hear of a failure. */
  #isAwaited = false;
  /** Lets a run go on that waits for its readers. */
  #goOn: (() => void) | undefined;

  constructor() {
    this.#whole = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whether a failure was heard of is decided when it happens.
    this.#whole.catch(() => {});
  }

  /** Whether the run is over. */
  get ended(): boolean {
    return this.#isEnded;
  }

  /** Whether it failed or was aborted. */
  get errored(): boolean {
    return this.#isErrored;
  }

  /** Whether it was aborted. */
  get aborted(): boolean {
    return this.#isAborted;
  }

  /** Ends the run, and the request behind it: `abort` and `end` follow. */
  abort(): void {
    this.controller.abort();
  }

  /**
   * Has a listener called each time something happens; one that is added twice is called twice. It hears of what happens
   * from now on.
   *
   * @example stream.on("content", (delta) => process.stdout.write(delta));
   */
  on<Event extends keyof EventTypes>(event: Event, listener: EventTypes[Event]): this {
    return this.#add(event, listener, false);
  }

  /** Has a listener called the next time something happens. */
  once<Event extends keyof EventTypes>(event: Event, listener: EventTypes[Event]): this {
    return this.#add(event, listener, true);
  }

  /** Removes a listener: where it was added twice, the first. */
  off<Event extends keyof EventTypes>(event: Event, listener: EventTypes[Event]): this {
    const registered = this.#listeners.get(event) ?? [];
    const at = registered.findIndex((one) => one.listener === (listener as unknown));
    if (at >= 0) this.#listeners.set(event, registered.filter((_, other) => other !== at));
    return this;
  }

  #add<Event extends keyof EventTypes>(event: Event, listener: EventTypes[Event], isOnce: boolean): this {
    if (typeof listener !== "function") throw new ChatmuxError(`The listener of \`${String(event)}\` must be a function.`);
    const registered = { listener: listener as Registered["listener"], isOnce };
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), registered]);
    return this;
  }

  /**
   * The next time something happens: what a listener would be called with, as a list where that is more than one thing.
   * Rejected when the run fails before; never settled when it ends or is aborted without it.
   *
   * @example const completion = await runner.emitted("chatCompletion");
   */
  emitted<Event extends keyof EventTypes>(event: Event): Promise<EmittedEventResult<EventParameters<EventTypes, Event>>> {
    this.#isAwaited = true;
    return new Promise((resolve, reject) => {
      const onEvent = (...args: unknown[]): void => {
        this.off("error", onError as EventTypes["error"]);
        resolve((args.length > 1 ? args : args[0]) as EmittedEventResult<EventParameters<EventTypes, Event>>);
      };
      const onError = (error: ChatmuxError): void => {
        this.off(event, onEvent as EventTypes[Event]);
        reject(error);
      };
      this.once(event, onEvent as EventTypes[Event]);
      if (event !== "error") this.once("error", onError as EventTypes["error"]);
    });
  }

  /**
   * Every time something happens, to be read with `for await`, as lists of what a listener would be called with. Throws
   * when the run fails or is aborted, unless it is that which is read.
   *
   * @example for await (const [message] of runner.events("message")) await save(message);
   */
  events<Event extends keyof EventTypes>(event: Event): AsyncIterableIterator<EventParameters<EventTypes, Event>> {
    return this._createIterator<EventParameters<EventTypes, Event>>(
      (push) => {
        const listener = ((...args: EventParameters<EventTypes, Event>) => push(args)) as EventTypes[Event];
        this.on(event, listener);
        return () => this.off(event, listener);
      },
      { read: event },
    );
  }

  /** Waits for the end. Rejected when the run fails or is aborted. */
  async done(): Promise<void> {
    this.#isAwaited = true;
    this.#goOn?.();
    await this.#whole;
  }

  /** Does the run, when those who began it have had the time to say what they listen to. */
  protected _run(executor: () => Promise<unknown>): void {
    setTimeout(() => void this.#runNow(executor), 0);
  }

  /** What a listener of the end throws is nobody's but the process's: this promise is left to be rejected. */
  async #runNow(this: EventStream<BaseEvents>, executor: () => Promise<unknown>): Promise<void> {
    try {
      await executor();
      this._emitFinal();
    } catch (thrown) {
      const error = this._toError(thrown);
      this.#isErrored = true;
      if (error instanceof APIUserAbortError) {
        this.#isAborted = true;
        return this._emit("abort", error);
      }
      return this._emit("error", error);
    }
    this._emit("end");
  }

  /** The error that a run fails with: of this package, whatever was thrown. */
  protected _toError(thrown: unknown): ChatmuxError {
    if (thrown instanceof ChatmuxError) return thrown;
    if (!(thrown instanceof Error)) return callbackFailed(String(thrown), thrown);
    return thrown.name === "AbortError" ? this._userAbortError() : callbackFailed(thrown.message, thrown);
  }

  /** The error of an abort, with its reason as the cause. */
  protected _userAbortError(): APIUserAbortError {
    return new APIUserAbortError({ cause: this.controller.signal.reason });
  }

  /** Says that a response has begun. */
  protected _connected(): void {
    (this as unknown as EventStream<BaseEvents>)._emit("connect");
  }

  /** Says the last things of a run that went well. */
  protected _emitFinal(): void {}

  /** Aborts the run with a signal of the caller's, on which nothing is left when the run is over. */
  protected _listenForAbort(signal: AbortSignal | null | undefined): void {
    if (!signal || this.#isEnded || this.#signals.has(signal)) return;
    const abort = (): void => this.controller.abort(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    this.#signals.set(signal, abort);
  }

  /** Whether somebody listens. */
  protected _hasListeners(event: keyof EventTypes): boolean {
    return !!this.#listeners.get(event)?.length;
  }

  /** Tells the listeners that something happened; nobody after the end. */
  _emit<Event extends keyof EventTypes>(event: Event, ...args: EventParameters<EventTypes, Event>): void {
    if (this.#isEnded) return;
    if (event === "end") this.#end();
    const registered = this.#listeners.get(event);
    try {
      if (registered?.length) this.#tell(event, registered, args);
    } finally {
      if (event === "error" || event === "abort") this.#fail(args[0] as ChatmuxError, !!registered?.length);
    }
  }

  #tell(event: PropertyKey, registered: readonly Registered[], args: unknown[]): void {
    if (registered.some(({ isOnce }) => isOnce)) this.#listeners.set(event, registered.filter(({ isOnce }) => !isOnce));
    for (const { listener } of registered) listener(...(args as never[]));
  }

  #fail(this: EventStream<BaseEvents>, error: ChatmuxError, isHeard: boolean): void {
    this.#failure = error;
    // So that the process hears of what nobody else does.
    if (!isHeard && !this.#isAwaited && !this.#readers.size) void Promise.reject(error);
    this.#reject(error);
    this._emit("end");
  }

  #end(): void {
    this.#isEnded = true;
    for (const [signal, abort] of this.#signals) signal.removeEventListener("abort", abort);
    this.#signals.clear();
    this.#resolve();
    for (const reader of [...this.#readers]) reader.end(this.#failure);
    this.#goOn?.();
  }

  /**
   * What there is to wait for before more is read: a `for await` that is far behind. Nothing where somebody waits for the
   * end, which they may do inside of that very loop.
   */
  protected _roomForMore(): Promise<void> | undefined {
    const { signal } = this.controller;
    const mustWait = (): boolean =>
      !this.#isAwaited && !this.#isEnded && !signal.aborted && [...this.#readers].some(({ size }) => size >= MAX_WAITING);
    if (!this.#readers.size || !mustWait()) return undefined;
    return new Promise((resolve) => {
      const goOn = (): void => {
        if (mustWait()) return;
        this.#goOn = undefined;
        signal.removeEventListener("abort", goOn);
        resolve();
      };
      this.#goOn = goOn;
      signal.addEventListener("abort", goOn);
    });
  }

  /**
   * An iterator of what `attach` pushes, which gives back how to stop that.
   *
   * @param read the event that is read: an `error` or `abort` that is read is not thrown as well.
   * @param onReturn called when the loop is left early.
   */
  protected _createIterator<Item>(
    attach: (push: (item: Item) => void) => () => void,
    { read, onReturn }: { read?: keyof EventTypes; onReturn?: () => void } = {},
  ): AsyncIterableIterator<Item> {
    const goOn = (): void => this.#goOn?.();
    const release = (): void => {
      detach?.();
      this.#readers.delete(reader);
    };
    const reader = new Reader<Item>(read, goOn, release, () => {
      // Who leaves early knows of the abort that this is.
      if (onReturn) this.#isAwaited = true;
      onReturn?.();
      goOn();
    });
    let detach: (() => void) | undefined;
    if (this.#isEnded) {
      reader.end(this.#failure);
    } else {
      this.#readers.add(reader);
      detach = attach((item) => reader.push(item));
    }
    return reader;
  }
}

/** What `for await` reads: items, which wait where they come faster than they are read, and then the end. */
class Reader<Item> implements AsyncIterableIterator<Item> {
  readonly #items: Item[] = [];
  readonly #waiting: { resolve: (result: IteratorResult<Item>) => void; reject: (error: ChatmuxError) => void }[] = [];
  readonly #read: PropertyKey | undefined;
  readonly #onRead: () => void;
  readonly #release: () => void;
  readonly #onReturn: () => void;
  #failure: ChatmuxError | undefined;
  #isOver = false;

  constructor(read: PropertyKey | undefined, onRead: () => void, release: () => void, onReturn: () => void) {
    this.#read = read;
    this.#onRead = onRead;
    this.#release = release;
    this.#onReturn = onReturn;
  }

  /** How many items wait to be read. */
  get size(): number {
    return this.#items.length;
  }

  push(item: Item): void {
    if (this.#isOver) return;
    const waiting = this.#waiting.shift();
    if (waiting) waiting.resolve({ done: false, value: item });
    else this.#items.push(item);
  }

  end(failure: ChatmuxError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#release();
    const event = failure instanceof APIUserAbortError ? "abort" : "error";
    if (this.#read !== event) this.#failure = failure;
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      const error = this.#takeFailure();
      if (error) reject(error);
      else resolve(END);
    }
  }

  /** A failure is told once. */
  #takeFailure(): ChatmuxError | undefined {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }

  next(): Promise<IteratorResult<Item>> {
    if (this.#items.length) {
      const value = this.#items.shift()!;
      this.#onRead();
      return Promise.resolve({ done: false, value });
    }
    const failure = this.#takeFailure();
    if (failure) return Promise.reject(failure);
    if (this.#isOver) return Promise.resolve(END);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  async return(): Promise<IteratorResult<Item>> {
    this.#items.length = 0;
    this.end(undefined);
    this.#failure = undefined;
    this.#onReturn();
    return END;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** The error of a function of the caller's that failed: a listener, a tool, a validator. */
function callbackFailed(message: string, cause: unknown): ChatmuxError {
  return Object.defineProperty(new ChatmuxError(message, { cause }), "kind", { value: "callback" });
}
