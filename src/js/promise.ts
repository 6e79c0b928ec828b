/** What a call returns: a promise of its answer, which knows the response behind it. */

import { ChatmuxError } from "./errors.js";
import type { Stream } from "./stream.js";

/**
 * A call under way, as its promise sees it.
 * @internal
 */
export interface Sent {
  /** The response of a success, when it is there. */
  response?: Response;
  /** Whether the response is wanted, and whether the answer is. */
  wantsResponse?: boolean;
  wantsAnswer?: boolean;
}

/**
 * Whether the body is left to the caller.
 * @internal
 */
export function isRaw({ wantsResponse, wantsAnswer }: Sent): boolean {
  return !!wantsResponse && !wantsAnswer;
}

/** An answer that is an object knows the id of its request, from the header `x-request-id`: not enumerable, so not sent on. */
export type WithRequestID<Answer> = Answer extends readonly unknown[] | Stream<unknown>
  ? Answer
  : Answer extends object
    ? Answer & { readonly _request_id?: string | null }
    : Answer;

/**
 * The promise of an answer.
 *
 * @example
 * const { data, response, request_id } = await client.chat.completions.create({ model, messages }).withResponse();
 */
export class APIPromise<Answer> extends Promise<WithRequestID<Answer>> {
  // What a call has sent, and what it resolves to; a promise that was made by hand has sent nothing.
  #sent: Sent = {};
  #answered: Promise<unknown> = this;

  /** What follows from it is a plain promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** @internal */
  static of<Answer>(sent: Sent, answered: Promise<Answer>): APIPromise<Answer> {
    const parsed = answered.then((answer) => {
      if (isRaw(sent)) throw new ChatmuxError("The body of the response belongs to who called `asResponse()`.");
      return answer as WithRequestID<Answer>;
    });
    const promise = new APIPromise<Answer>((resolve) => resolve(parsed));
    promise.#sent = sent;
    promise.#answered = answered;
    return promise;
  }

  static {
    const { then } = Promise.prototype;
    // Whatever waits for the answer comes by here. Defined as a value, so that its type is that of every promise.
    Object.defineProperty(this.prototype, "then", {
      value(this: APIPromise<unknown>, ...handlers: Parameters<typeof then>) {
        this.#sent.wantsAnswer = true;
        return then.apply(this, handlers);
      },
    });
  }

  /**
   * The response alone, as soon as its headers are there; its body is not read, unless the answer is asked for as well. An
   * error is an error here, too, but for AIHubMix's 503 of a wrong model id, which is given as it came.
   */
  async asResponse(): Promise<Response> {
    const sent = this.#sent;
    sent.wantsResponse = true;
    // Who wants the response alone hears of an error by it.
    super.then(undefined, () => {});
    await this.#answered;
    return sent.response!;
  }

  /** The answer, the response that it came with, and the id of the request, from the header `x-request-id`. */
  async withResponse(): Promise<{ data: WithRequestID<Answer>; response: Response; request_id: string | null }> {
    const data = await (this as Promise<WithRequestID<Answer>>);
    const response = this.#sent.response!;
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
