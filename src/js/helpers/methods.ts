/** What the helpers add to the classes of the client, as types. */

/** The helpers of chat completions. */
export interface CompletionsHelpers {}

/** The helpers of a client. */
export interface ClientHelpers {}
