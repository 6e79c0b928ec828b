/** Asynchronous context: what `AsyncLocalStorage` and tracing tools hang on a chain of promises. */

/**
 * The function, made to run in the asynchronous context of now, whoever calls it later.
 *
 * A reaction to a promise runs in the context in which it was registered, in every runtime that has such contexts; so
 * each run is a reaction that was registered before, and registers the next.
 */
export function inContext<Args extends unknown[], Result>(
  run: (...args: Args) => Result | PromiseLike<Result>,
): (...args: Args) => Promise<Result> {
  let start: (args: Args) => void;
  let next: Promise<Result>;
  const arm = (): void => {
    next = new Promise<Args>((resolve) => {
      start = resolve;
    }).then((args) => {
      arm();
      return run(...args);
    });
  };
  arm();
  return (...args) => {
    const result = next;
    start(args);
    return result;
  };
}
