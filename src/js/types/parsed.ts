import type {
  ChatCompletion,
  ChatCompletionChoice,
  ChatCompletionFunctionCall,
  ChatCompletionMessage,
  ChatCompletionMessageCustomToolCall,
  ChatCompletionMessageFunctionToolCall,
} from "./completion.js";
import type {
  ChatCompletionCreateParamsNonStreaming,
  ChatCompletionTool,
  ResponseFormatJSONObject,
  ResponseFormatJSONSchema,
  ResponseFormatText,
} from "./request.js";
import type {
  AutoParseableResponseFormat,
  ChatCompletionSchemaTool,
  PlainJSONSchema,
  SchemaWithJSONSchema,
  StandardJSONSchema,
  StandardSchemaOutput,
} from "./schema.js";

/** What a helper takes as `response_format`: the wire's own forms, and schemas. */
export type ChatCompletionParseFormat =
  | ResponseFormatText
  | ResponseFormatJSONObject
  | ResponseFormatJSONSchema
  | StandardJSONSchema
  | SchemaWithJSONSchema
  | PlainJSONSchema;

/** What the helpers add to a request, in place of fields of the wire. */
export interface ChatCompletionParseFields {
  /**
   * The form of the answer: a schema that brings its own JSON Schema, `{ schema, jsonSchema }` for one that does not, a
   * plain JSON Schema, what `zodResponseFormat()` or `standardResponseFormat()` made, or a format of the wire.
   */
  response_format?: ChatCompletionParseFormat;

  /** The tools that the model may want run; the parameters of a function may be a schema that brings its own JSON Schema. */
  tools?: (ChatCompletionTool | ChatCompletionSchemaTool)[];
}

/** A request whose answer is to be parsed, in the wire's own forms. */
export type ChatCompletionParseParams = ChatCompletionCreateParamsNonStreaming;

/** A request whose answer is to be parsed, by schemas in its `response_format` and its tools: what `parse()` takes. */
export type ChatCompletionSchemaParams = Omit<ChatCompletionCreateParamsNonStreaming, keyof ChatCompletionParseFields> &
  ChatCompletionParseFields;

/** What `message.parsed` is, for the parameters of a request: null where nothing is parsed. */
export type ExtractParsedContentFromParams<Params extends { response_format?: unknown }> = ParsedFormat<
  Params["response_format"]
>;

type ParsedFormat<Format> = [Format] extends [never]
  ? null
  : Format extends AutoParseableResponseFormat<infer Parsed>
    ? Parsed
    : Format extends { readonly "~standard": unknown }
      ? StandardSchemaOutput<Format>
      : Format extends { schema: infer Schema extends { readonly "~standard": unknown } }
        ? StandardSchemaOutput<Schema>
        : Format extends ResponseFormatJSONSchema | { readonly type: "object" }
          ? unknown
          : null;

/** A completion whose JSON has been parsed. */
export interface ParsedChatCompletion<Parsed> extends ChatCompletion {
  /** The answers. */
  choices: ParsedChoice<Parsed>[];
}

/** One answer of a completion, parsed. */
export interface ParsedChoice<Parsed> extends ChatCompletionChoice {
  /** What the model said. */
  message: ParsedChatCompletionMessage<Parsed>;
}

/** What the model said, parsed. */
export interface ParsedChatCompletionMessage<Parsed> extends ChatCompletionMessage {
  /** What `content` holds; null when there is none. */
  parsed: Parsed | null;

  /** The tools to run. */
  tool_calls?: ParsedChatCompletionMessageToolCall[];
}

/** A tool that the model wants run; the arguments of a function are parsed. */
export type ParsedChatCompletionMessageToolCall = ParsedFunctionToolCall | ChatCompletionMessageCustomToolCall;

/** A call of a function, parsed. */
export interface ParsedFunctionToolCall extends ChatCompletionMessageFunctionToolCall {
  /** What to call. */
  function: ParsedFunction;
}

/** A function and its arguments, parsed. */
export interface ParsedFunction extends ChatCompletionFunctionCall {
  /** What `arguments` holds, where it was parsed. */
  parsed_arguments?: unknown;
}
