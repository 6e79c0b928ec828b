/** What went wrong, in the words of the person who asked: what happened, what to do, and which button does it. */

/**
 * `action` is what the person will want to open: "settings", "models" or nothing; `field` is the setting to look at.
 * `raw` is for the curious and for bug reports.
 */
export function explain(error, { model, baseURL }) {
  const host = URL.canParse(baseURL) ? new URL(baseURL).host : baseURL;
  const known = typeof error?.kind === "string" && Object.hasOwn(KINDS, error.kind);
  const words = known ? KINDS[error.kind]({ host, model, said: said(error), error }) : {
    title: "The page made a mistake",
    advice: "This should not happen. Try again; the details below help whoever mends it.",
  };
  return { ...words, raw: rawOf(error) };
}

const refused = ({ said }) => ({ title: "The provider refused the question", advice: said });

const KINDS = {
  missing_api_key: ({ host }) => ({
    title: "A key is missing",
    advice: `${host} answers only to a key. Put yours into the settings.`,
    action: "settings",
    field: "api-key",
  }),
  authentication: ({ host }) => ({
    title: "The key was not accepted",
    advice: `${host} does not know this key. Correct it in the settings, then try again.`,
    action: "settings",
    field: "api-key",
  }),
  permission_denied: ({ host, model, said }) => ({
    title: "This key may not do that",
    advice: `${host} refused ${model}: the account may be out of credit, or the key not meant for this model. ${said}`,
    action: "settings",
    field: "api-key",
  }),
  not_found: ({ host, model, said, error }) =>
    error.code === "model_not_found" || /model/i.test(said)
      ? { title: "No such model here", advice: `${host} has no model “${model}”. Choose another one.`, action: "models" }
      : {
        title: "Nothing answers at this address",
        advice: `${host} is there, but not under this path. A base URL usually ends in /v1.`,
        action: "settings",
        field: "base-url",
      },
  rate_limit: ({ error }) => ({ title: "Too many requests", advice: waitOf(error) }),
  bad_request: refused,
  unprocessable_entity: refused,
  conflict: refused,
  internal_server: ({ host }) => ({
    title: "The provider has a problem",
    advice: `It is on the side of ${host}, not on yours. Try again in a moment, or choose another model.`,
  }),
  api: ({ said }) => ({ title: "The provider answered with an error", advice: said || "It did not say why. Try again." }),
  malformed_response: ({ host }) => ({
    title: "The answer could not be read",
    advice: `${host} sent something else than a chat answer. If it happens again, the address may not be that of a chat API.`,
    action: "settings",
    field: "base-url",
  }),
  redirect: ({ host }) => ({
    title: "This address has moved",
    advice: `${host} points to another address, and a key is not carried along to places you did not name. Correct the base URL.`,
    action: "settings",
    field: "base-url",
  }),
  connection: ({ host }) => ({
    title: `Could not reach ${host}`,
    advice: "Check the address and your connection. If both are right, the provider may not let web pages of other sites call it.",
    action: "settings",
    field: "base-url",
  }),
  timeout: ({ host }) => ({ title: "No answer in time", advice: `${host} took too long. Try again, or choose a faster model.` }),
  stream_timeout: () => ({
    title: "The answer stopped coming",
    advice: "Nothing arrived for a long time, so the page gave up waiting. What had arrived is kept.",
  }),
  stream_truncated: () => ({
    title: "The answer was cut off",
    advice: "The connection ended in the middle. What had arrived is kept, but the end is missing.",
  }),
  abort: () => ({ title: "The question was called back", advice: "Nothing was answered." }),
  invalid_request: ({ said }) => ({
    title: "The question could not be sent",
    advice: said,
    action: "settings",
    field: /\bkey\b/i.test(said) ? "api-key" : "base-url",
  }),
};

/** The provider's own words, without the status in front, and not a whole HTML page. */
function said(error) {
  const message = String(error.message).replace(/^\d{3} /, "").trim();
  if (/<html|<!doctype/i.test(message)) return "";
  return message.length > 300 ? `${message.slice(0, 300)}…` : message;
}

function waitOf(error) {
  const wait = Number(error.headers?.get("retry-after"));
  if (!(wait > 0)) return "The provider wants a pause. Wait a moment, then try again.";
  return `The provider wants a pause. Wait ${wait === 1 ? "a second" : `${wait} seconds`}, then try again.`;
}

function rawOf(error) {
  const { name, kind, status, upstreamStatus, code, type, param, requestID, message } = error ?? {};
  const shown = String(message ?? error);
  const rows = { name, kind, status, upstreamStatus, code, type, param, "request id": requestID, message: shown.slice(0, 2000) };
  return Object.entries(rows).filter(([, value]) => value !== undefined && value !== null && value !== "");
}
