/**
 * openai's names for the types, under its class: `Chatmux.ChatCompletion`, `Chatmux.Chat.ChatCompletion` and
 * `Chatmux.Chat.Completions.ChatCompletion` are `ChatCompletion`. A program for openai finds its types with no more than
 * its import changed.
 */

import type { AnyRequestOptions, ClientOptions } from "../options.js";
import type {
  ChatCompletion,
  ChatCompletionAllowedToolChoice,
  ChatCompletionAllowedTools,
  ChatCompletionAssistantMessageParam,
  ChatCompletionAudio,
  ChatCompletionAudioParam,
  ChatCompletionChunk,
  ChatCompletionContentPart,
  ChatCompletionContentPartImage,
  ChatCompletionContentPartInputAudio,
  ChatCompletionContentPartRefusal,
  ChatCompletionContentPartText,
  ChatCompletionCreateParams,
  ChatCompletionCreateParamsNonStreaming,
  ChatCompletionCreateParamsStreaming,
  ChatCompletionCustomTool,
  ChatCompletionDeleted,
  ChatCompletionDeveloperMessageParam,
  ChatCompletionFunctionCallOption,
  ChatCompletionFunctionMessageParam,
  ChatCompletionFunctionTool,
  ChatCompletionListParams,
  ChatCompletionMessage,
  ChatCompletionMessageCustomToolCall,
  ChatCompletionMessageFunctionToolCall,
  ChatCompletionMessageParam,
  ChatCompletionMessageToolCall,
  ChatCompletionModality,
  ChatCompletionNamedToolChoice,
  ChatCompletionNamedToolChoiceCustom,
  ChatCompletionParseParams,
  ChatCompletionPredictionContent,
  ChatCompletionReasoningEffort,
  ChatCompletionRole,
  ChatCompletionStoreMessage,
  ChatCompletionStreamOptions,
  ChatCompletionSystemMessageParam,
  ChatCompletionTokenLogprob,
  ChatCompletionTool,
  ChatCompletionToolChoiceOption,
  ChatCompletionToolMessageParam,
  ChatCompletionUpdateParams,
  ChatCompletionUserMessageParam,
  ChatModel,
  CompletionUsage,
  FunctionDefinition,
  FunctionParameters,
  Metadata,
  Model,
  ParsedChatCompletion,
  ParsedChatCompletionMessage,
  ParsedChatCompletionMessageToolCall,
  ParsedChoice,
  ParsedFunction,
  ParsedFunctionToolCall,
  ReasoningEffort,
  ResponseFormatJSONObject,
  ResponseFormatJSONSchema,
  ResponseFormatText,
} from "../types.js";

declare module "../client.js" {
  namespace Chatmux {
    export { type AnyRequestOptions as RequestOptions, type ClientOptions, type Chat, type Model, type Models, type ModelsPage };
    export {
      type ChatModel, type CompletionUsage, type FunctionDefinition, type FunctionParameters, type Metadata,
      type ReasoningEffort, type ResponseFormatJSONObject, type ResponseFormatJSONSchema, type ResponseFormatText,
    };
    export {
      type ChatCompletion, type ChatCompletionAllowedToolChoice, type ChatCompletionAllowedTools,
      type ChatCompletionAssistantMessageParam, type ChatCompletionAudio, type ChatCompletionAudioParam,
      type ChatCompletionChunk, type ChatCompletionContentPart, type ChatCompletionContentPartImage,
      type ChatCompletionContentPartInputAudio, type ChatCompletionContentPartRefusal,
      type ChatCompletionContentPartText, type ChatCompletionCreateParams, type ChatCompletionCreateParamsNonStreaming,
      type ChatCompletionCreateParamsStreaming, type ChatCompletionCustomTool, type ChatCompletionDeleted,
      type ChatCompletionDeveloperMessageParam, type ChatCompletionFunctionCallOption,
      type ChatCompletionFunctionMessageParam, type ChatCompletionFunctionTool, type ChatCompletionListParams,
      type ChatCompletionMessage, type ChatCompletionMessageCustomToolCall, type ChatCompletionMessageFunctionToolCall,
      type ChatCompletionMessageParam, type ChatCompletionMessageToolCall, type ChatCompletionModality,
      type ChatCompletionNamedToolChoice, type ChatCompletionNamedToolChoiceCustom, type ChatCompletionParseParams,
      type ChatCompletionPredictionContent, type ChatCompletionReasoningEffort, type ChatCompletionRole,
      type ChatCompletionStoreMessage, type ChatCompletionStreamOptions, type ChatCompletionSystemMessageParam,
      type ChatCompletionTokenLogprob, type ChatCompletionTool, type ChatCompletionToolChoiceOption,
      type ChatCompletionToolMessageParam, type ChatCompletionUpdateParams, type ChatCompletionUserMessageParam,
      type ParsedChatCompletion, type ParsedChatCompletionMessage, type ParsedChatCompletionMessageToolCall,
      type ParsedChoice, type ParsedFunction, type ParsedFunctionToolCall,
    };
    export namespace Completions {
      export { type CompletionUsage };
    }
  }

  namespace Chat {
    export { type ChatModel, type Completions };
    export {
      type ChatCompletion, type ChatCompletionAllowedToolChoice, type ChatCompletionAllowedTools,
      type ChatCompletionAssistantMessageParam, type ChatCompletionAudio, type ChatCompletionAudioParam,
      type ChatCompletionChunk, type ChatCompletionContentPart, type ChatCompletionContentPartImage,
      type ChatCompletionContentPartInputAudio, type ChatCompletionContentPartRefusal,
      type ChatCompletionContentPartText, type ChatCompletionCreateParams, type ChatCompletionCreateParamsNonStreaming,
      type ChatCompletionCreateParamsStreaming, type ChatCompletionCustomTool, type ChatCompletionDeleted,
      type ChatCompletionDeveloperMessageParam, type ChatCompletionFunctionCallOption,
      type ChatCompletionFunctionMessageParam, type ChatCompletionFunctionTool, type ChatCompletionListParams,
      type ChatCompletionMessage, type ChatCompletionMessageCustomToolCall, type ChatCompletionMessageFunctionToolCall,
      type ChatCompletionMessageParam, type ChatCompletionMessageToolCall, type ChatCompletionModality,
      type ChatCompletionNamedToolChoice, type ChatCompletionNamedToolChoiceCustom, type ChatCompletionParseParams,
      type ChatCompletionPredictionContent, type ChatCompletionReasoningEffort, type ChatCompletionRole,
      type ChatCompletionStoreMessage, type ChatCompletionStreamOptions, type ChatCompletionSystemMessageParam,
      type ChatCompletionTokenLogprob, type ChatCompletionTool, type ChatCompletionToolChoiceOption,
      type ChatCompletionToolMessageParam, type ChatCompletionUpdateParams, type ChatCompletionUserMessageParam,
      type ParsedChatCompletion, type ParsedChatCompletionMessage, type ParsedChatCompletionMessageToolCall,
      type ParsedChoice, type ParsedFunction, type ParsedFunctionToolCall,
    };
  }

  namespace Completions {
    export {
      type ChatCompletion, type ChatCompletionAllowedToolChoice, type ChatCompletionAllowedTools,
      type ChatCompletionAssistantMessageParam, type ChatCompletionAudio, type ChatCompletionAudioParam,
      type ChatCompletionChunk, type ChatCompletionContentPart, type ChatCompletionContentPartImage,
      type ChatCompletionContentPartInputAudio, type ChatCompletionContentPartRefusal,
      type ChatCompletionContentPartText, type ChatCompletionCreateParams, type ChatCompletionCreateParamsNonStreaming,
      type ChatCompletionCreateParamsStreaming, type ChatCompletionCustomTool, type ChatCompletionDeleted,
      type ChatCompletionDeveloperMessageParam, type ChatCompletionFunctionCallOption,
      type ChatCompletionFunctionMessageParam, type ChatCompletionFunctionTool, type ChatCompletionListParams,
      type ChatCompletionMessage, type ChatCompletionMessageCustomToolCall, type ChatCompletionMessageFunctionToolCall,
      type ChatCompletionMessageParam, type ChatCompletionMessageToolCall, type ChatCompletionModality,
      type ChatCompletionNamedToolChoice, type ChatCompletionNamedToolChoiceCustom, type ChatCompletionParseParams,
      type ChatCompletionPredictionContent, type ChatCompletionReasoningEffort, type ChatCompletionRole,
      type ChatCompletionStoreMessage, type ChatCompletionStreamOptions, type ChatCompletionSystemMessageParam,
      type ChatCompletionTokenLogprob, type ChatCompletionTool, type ChatCompletionToolChoiceOption,
      type ChatCompletionToolMessageParam, type ChatCompletionUpdateParams, type ChatCompletionUserMessageParam,
      type ParsedChatCompletion, type ParsedChatCompletionMessage, type ParsedChatCompletionMessageToolCall,
      type ParsedChoice, type ParsedFunction, type ParsedFunctionToolCall,
    };
  }

  namespace Models {
    export { type Model, type ModelsPage };
  }
}
