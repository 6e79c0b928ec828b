/** What a call returns: a promise of its answer, which knows the response behind it. */

import type { Stream } from "./stream.js";

/**
 * A call under way, as its promise sees it.
 * @internal
 */
export interface Sent {
  /** The response of a success, when it is there. */
  response?: Response;
  /** Whether somebody waits for the answer. */
  wantsAnswer?: boolean;
  /** Whether the response came before anybody did, so that its body is unread; and how it is read then. */
  isRaw?: boolean;
  read?: () => Promise<unknown>;
}

/** An answer that is an object knows the id of its request, from the header `x-request-id`: not enumerable, so not sent on. */
export type WithRequestID<Answer> = Answer extends readonly unknown[] | Stream<unknown>
  ? Answer
  : Answer extends object
    ? Answer & { readonly _request_id?: string | null }
    : Answer;

/**
 * The promise of an answer. The body of the response is read when somebody waits for the answer.
 *
 * @example
 * const { data, response, request_id } = await client.chat.completions.create({ model, messages }).withResponse();
 */
export class APIPromise<Answer> extends Promise<WithRequestID<Answer>> {
  // What a call has sent, and what it resolves to; a promise that was made by hand has sent nothing.
  #sent: Sent | undefined;
  #answered: Promise<unknown> | undefined;
  #read: Promise<unknown> | undefined;
  // What gives the answer, where it is made of another's.
  #from: (() => Promise<unknown>) | undefined;

  /** What follows from it is a plain promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** @internal */
  static of<Answer>(sent: Sent, answered: Promise<Answer>): APIPromise<Answer> {
    const promise = new APIPromise<Answer>(() => {});
    promise.#sent = sent;
    promise.#answered = answered;
    return promise;
  }

  static {
    const { then } = Promise.prototype;
    // Whatever waits for the answer comes by here. Defined as a value, so that its type is that of every promise.
    Object.defineProperty(this.prototype, "then", {
      value(this: APIPromise<unknown>, ...handlers: Parameters<typeof then>) {
        const sent = this.#sent;
        if (!sent) return then.apply(this, handlers);
        sent.wantsAnswer = true;
        this.#read ??= this.#from?.() ?? this.#answered!.then((answer) => (sent.isRaw ? sent.read!() : answer));
        return this.#read.then(...handlers);
      },
    });
  }

  /** The promise of what is made of the answer, with the same response behind it. */
  _thenUnwrap<Made>(make: (answer: WithRequestID<Answer>) => Made | PromiseLike<Made>): APIPromise<Made> {
    const promise = new APIPromise<Made>(() => {});
    promise.#sent = this.#sent ?? {};
    promise.#answered = this.#answered ?? this;
    promise.#from = () => this.then(make);
    return promise;
  }

  /**
   * The response, as soon as its headers are there; its body is not read, unless the answer is waited for as well. An error
   * is an error here, too, but for AIHubMix's 503 of a wrong model id, which is given as it came.
   */
  async asResponse(): Promise<Response> {
    await this.#answered;
    return this.#sent!.response!;
  }

  /** The answer, the response that it came with, and the id of the request, from the header `x-request-id`. */
  async withResponse(): Promise<{ data: WithRequestID<Answer>; response: Response; request_id: string | null }> {
    const data = await (this as Promise<WithRequestID<Answer>>);
    const response = await this.asResponse();
    return { data, response, request_id: requestId(response) };
  }
}

/**
 * The id of a request; the headers of a caller's `fetch` may be of any class.
 * @internal
 */
export function requestId(response: Response): string | null {
  try {
    return response.headers.get("x-request-id");
  } catch {
    return null;
  }
}
