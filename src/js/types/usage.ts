import type { CompletionUsage, UsageCompletionDetails, UsagePromptDetails } from "./completion.js";

/** A usage in one form, whoever answered: see `toUsage`. Cached, written and reasoning tokens are parts of the sums. */
export interface TokenUsage extends CompletionUsage {
  /** What the tokens of the prompt were. */
  prompt_tokens_details: UsagePromptDetails & {
    /** Tokens read from the prompt cache; 0 where nobody says. */
    cached_tokens: number;

    /** Tokens written to the prompt cache; 0 where nobody says. */
    cache_write_tokens: number;
  };

  /** What the tokens of the answer were spent on. */
  completion_tokens_details: UsageCompletionDetails & {
    /** Tokens of reasoning; 0 where nobody says. */
    reasoning_tokens: number;
  };
}
