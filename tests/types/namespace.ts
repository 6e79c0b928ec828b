/*
 * A program written for openai finds the types under the class, by openai's paths.
 */

import Default, { type Chat, Chatmux, type Chatmux as OpenAI } from "../../src/js/index.js";
import type * as ours from "../../src/js/index.js";
import type Theirs from "openai";

/** Compiles only when the two are the same type. */
declare function same<A, B>(
  proof: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? "same" : "different",
): void;

/** Compiles only when all of them are the same type. */
declare function everywhere<A, B, C, D>(
  proof: (<T>() => T extends [A, A, A] ? 1 : 2) extends <T>() => T extends [B, C, D] ? 1 : 2 ? "same" : "different",
): void;

// Chat.
everywhere<ours.ChatCompletion, Chatmux.ChatCompletion, Chat.ChatCompletion, Chat.Completions.ChatCompletion>("same");
everywhere<
  ours.ChatCompletionAllowedToolChoice,
  Chatmux.ChatCompletionAllowedToolChoice,
  Chat.ChatCompletionAllowedToolChoice,
  Chat.Completions.ChatCompletionAllowedToolChoice
>("same");
everywhere<
  ours.ChatCompletionAllowedTools,
  Chatmux.ChatCompletionAllowedTools,
  Chat.ChatCompletionAllowedTools,
  Chat.Completions.ChatCompletionAllowedTools
>("same");
everywhere<
  ours.ChatCompletionAssistantMessageParam,
  Chatmux.ChatCompletionAssistantMessageParam,
  Chat.ChatCompletionAssistantMessageParam,
  Chat.Completions.ChatCompletionAssistantMessageParam
>("same");
everywhere<
  ours.ChatCompletionAudio,
  Chatmux.ChatCompletionAudio,
  Chat.ChatCompletionAudio,
  Chat.Completions.ChatCompletionAudio
>("same");
everywhere<
  ours.ChatCompletionAudioParam,
  Chatmux.ChatCompletionAudioParam,
  Chat.ChatCompletionAudioParam,
  Chat.Completions.ChatCompletionAudioParam
>("same");
everywhere<
  ours.ChatCompletionChunk,
  Chatmux.ChatCompletionChunk,
  Chat.ChatCompletionChunk,
  Chat.Completions.ChatCompletionChunk
>("same");
everywhere<
  ours.ChatCompletionContentPart,
  Chatmux.ChatCompletionContentPart,
  Chat.ChatCompletionContentPart,
  Chat.Completions.ChatCompletionContentPart
>("same");
everywhere<
  ours.ChatCompletionContentPartImage,
  Chatmux.ChatCompletionContentPartImage,
  Chat.ChatCompletionContentPartImage,
  Chat.Completions.ChatCompletionContentPartImage
>("same");
everywhere<
  ours.ChatCompletionContentPartInputAudio,
  Chatmux.ChatCompletionContentPartInputAudio,
  Chat.ChatCompletionContentPartInputAudio,
  Chat.Completions.ChatCompletionContentPartInputAudio
>("same");
everywhere<
  ours.ChatCompletionContentPartRefusal,
  Chatmux.ChatCompletionContentPartRefusal,
  Chat.ChatCompletionContentPartRefusal,
  Chat.Completions.ChatCompletionContentPartRefusal
>("same");
everywhere<
  ours.ChatCompletionContentPartText,
  Chatmux.ChatCompletionContentPartText,
  Chat.ChatCompletionContentPartText,
  Chat.Completions.ChatCompletionContentPartText
>("same");
everywhere<
  ours.ChatCompletionCreateParams,
  Chatmux.ChatCompletionCreateParams,
  Chat.ChatCompletionCreateParams,
  Chat.Completions.ChatCompletionCreateParams
>("same");
everywhere<
  ours.ChatCompletionCreateParamsNonStreaming,
  Chatmux.ChatCompletionCreateParamsNonStreaming,
  Chat.ChatCompletionCreateParamsNonStreaming,
  Chat.Completions.ChatCompletionCreateParamsNonStreaming
>("same");
everywhere<
  ours.ChatCompletionCreateParamsStreaming,
  Chatmux.ChatCompletionCreateParamsStreaming,
  Chat.ChatCompletionCreateParamsStreaming,
  Chat.Completions.ChatCompletionCreateParamsStreaming
>("same");
everywhere<
  ours.ChatCompletionCustomTool,
  Chatmux.ChatCompletionCustomTool,
  Chat.ChatCompletionCustomTool,
  Chat.Completions.ChatCompletionCustomTool
>("same");
everywhere<
  ours.ChatCompletionDeleted,
  Chatmux.ChatCompletionDeleted,
  Chat.ChatCompletionDeleted,
  Chat.Completions.ChatCompletionDeleted
>("same");
everywhere<
  ours.ChatCompletionDeveloperMessageParam,
  Chatmux.ChatCompletionDeveloperMessageParam,
  Chat.ChatCompletionDeveloperMessageParam,
  Chat.Completions.ChatCompletionDeveloperMessageParam
>("same");
everywhere<
  ours.ChatCompletionFunctionCallOption,
  Chatmux.ChatCompletionFunctionCallOption,
  Chat.ChatCompletionFunctionCallOption,
  Chat.Completions.ChatCompletionFunctionCallOption
>("same");
everywhere<
  ours.ChatCompletionFunctionMessageParam,
  Chatmux.ChatCompletionFunctionMessageParam,
  Chat.ChatCompletionFunctionMessageParam,
  Chat.Completions.ChatCompletionFunctionMessageParam
>("same");
everywhere<
  ours.ChatCompletionFunctionTool,
  Chatmux.ChatCompletionFunctionTool,
  Chat.ChatCompletionFunctionTool,
  Chat.Completions.ChatCompletionFunctionTool
>("same");
everywhere<
  ours.ChatCompletionListParams,
  Chatmux.ChatCompletionListParams,
  Chat.ChatCompletionListParams,
  Chat.Completions.ChatCompletionListParams
>("same");
everywhere<
  ours.ChatCompletionMessage,
  Chatmux.ChatCompletionMessage,
  Chat.ChatCompletionMessage,
  Chat.Completions.ChatCompletionMessage
>("same");
everywhere<
  ours.ChatCompletionMessageCustomToolCall,
  Chatmux.ChatCompletionMessageCustomToolCall,
  Chat.ChatCompletionMessageCustomToolCall,
  Chat.Completions.ChatCompletionMessageCustomToolCall
>("same");
everywhere<
  ours.ChatCompletionMessageFunctionToolCall,
  Chatmux.ChatCompletionMessageFunctionToolCall,
  Chat.ChatCompletionMessageFunctionToolCall,
  Chat.Completions.ChatCompletionMessageFunctionToolCall
>("same");
everywhere<
  ours.ChatCompletionMessageParam,
  Chatmux.ChatCompletionMessageParam,
  Chat.ChatCompletionMessageParam,
  Chat.Completions.ChatCompletionMessageParam
>("same");
everywhere<
  ours.ChatCompletionMessageToolCall,
  Chatmux.ChatCompletionMessageToolCall,
  Chat.ChatCompletionMessageToolCall,
  Chat.Completions.ChatCompletionMessageToolCall
>("same");
everywhere<
  ours.ChatCompletionModality,
  Chatmux.ChatCompletionModality,
  Chat.ChatCompletionModality,
  Chat.Completions.ChatCompletionModality
>("same");
everywhere<
  ours.ChatCompletionNamedToolChoice,
  Chatmux.ChatCompletionNamedToolChoice,
  Chat.ChatCompletionNamedToolChoice,
  Chat.Completions.ChatCompletionNamedToolChoice
>("same");
everywhere<
  ours.ChatCompletionNamedToolChoiceCustom,
  Chatmux.ChatCompletionNamedToolChoiceCustom,
  Chat.ChatCompletionNamedToolChoiceCustom,
  Chat.Completions.ChatCompletionNamedToolChoiceCustom
>("same");
everywhere<
  ours.ChatCompletionParseParams,
  Chatmux.ChatCompletionParseParams,
  Chat.ChatCompletionParseParams,
  Chat.Completions.ChatCompletionParseParams
>("same");
everywhere<
  ours.ChatCompletionPredictionContent,
  Chatmux.ChatCompletionPredictionContent,
  Chat.ChatCompletionPredictionContent,
  Chat.Completions.ChatCompletionPredictionContent
>("same");
everywhere<
  ours.ChatCompletionReasoningEffort,
  Chatmux.ChatCompletionReasoningEffort,
  Chat.ChatCompletionReasoningEffort,
  Chat.Completions.ChatCompletionReasoningEffort
>("same");
everywhere<
  ours.ChatCompletionRole,
  Chatmux.ChatCompletionRole,
  Chat.ChatCompletionRole,
  Chat.Completions.ChatCompletionRole
>("same");
everywhere<
  ours.ChatCompletionStoreMessage,
  Chatmux.ChatCompletionStoreMessage,
  Chat.ChatCompletionStoreMessage,
  Chat.Completions.ChatCompletionStoreMessage
>("same");
everywhere<
  ours.ChatCompletionStreamOptions,
  Chatmux.ChatCompletionStreamOptions,
  Chat.ChatCompletionStreamOptions,
  Chat.Completions.ChatCompletionStreamOptions
>("same");
everywhere<
  ours.ChatCompletionSystemMessageParam,
  Chatmux.ChatCompletionSystemMessageParam,
  Chat.ChatCompletionSystemMessageParam,
  Chat.Completions.ChatCompletionSystemMessageParam
>("same");
everywhere<
  ours.ChatCompletionTokenLogprob,
  Chatmux.ChatCompletionTokenLogprob,
  Chat.ChatCompletionTokenLogprob,
  Chat.Completions.ChatCompletionTokenLogprob
>("same");
everywhere<
  ours.ChatCompletionTool,
  Chatmux.ChatCompletionTool,
  Chat.ChatCompletionTool,
  Chat.Completions.ChatCompletionTool
>("same");
everywhere<
  ours.ChatCompletionToolChoiceOption,
  Chatmux.ChatCompletionToolChoiceOption,
  Chat.ChatCompletionToolChoiceOption,
  Chat.Completions.ChatCompletionToolChoiceOption
>("same");
everywhere<
  ours.ChatCompletionToolMessageParam,
  Chatmux.ChatCompletionToolMessageParam,
  Chat.ChatCompletionToolMessageParam,
  Chat.Completions.ChatCompletionToolMessageParam
>("same");
everywhere<
  ours.ChatCompletionUpdateParams,
  Chatmux.ChatCompletionUpdateParams,
  Chat.ChatCompletionUpdateParams,
  Chat.Completions.ChatCompletionUpdateParams
>("same");
everywhere<
  ours.ChatCompletionUserMessageParam,
  Chatmux.ChatCompletionUserMessageParam,
  Chat.ChatCompletionUserMessageParam,
  Chat.Completions.ChatCompletionUserMessageParam
>("same");
everywhere<
  ours.ParsedChatCompletion<string>,
  Chatmux.ParsedChatCompletion<string>,
  Chat.ParsedChatCompletion<string>,
  Chat.Completions.ParsedChatCompletion<string>
>("same");
everywhere<
  ours.ParsedChatCompletionMessage<string>,
  Chatmux.ParsedChatCompletionMessage<string>,
  Chat.ParsedChatCompletionMessage<string>,
  Chat.Completions.ParsedChatCompletionMessage<string>
>("same");
everywhere<
  ours.ParsedChatCompletionMessageToolCall,
  Chatmux.ParsedChatCompletionMessageToolCall,
  Chat.ParsedChatCompletionMessageToolCall,
  Chat.Completions.ParsedChatCompletionMessageToolCall
>("same");
everywhere<
  ours.ParsedChoice<string>,
  Chatmux.ParsedChoice<string>,
  Chat.ParsedChoice<string>,
  Chat.Completions.ParsedChoice<string>
>("same");
everywhere<ours.ParsedFunction, Chatmux.ParsedFunction, Chat.ParsedFunction, Chat.Completions.ParsedFunction>("same");
everywhere<
  ours.ParsedFunctionToolCall,
  Chatmux.ParsedFunctionToolCall,
  Chat.ParsedFunctionToolCall,
  Chat.Completions.ParsedFunctionToolCall
>("same");

// What others have, too.
same<Chatmux.ChatModel, ours.ChatModel>("same");
same<Chatmux.CompletionUsage, ours.CompletionUsage>("same");
same<Chatmux.FunctionDefinition, ours.FunctionDefinition>("same");
same<Chatmux.FunctionParameters, ours.FunctionParameters>("same");
same<Chatmux.Metadata, ours.Metadata>("same");
same<Chatmux.Model, ours.Model>("same");
same<Chatmux.Models, ours.Models>("same");
same<Chatmux.ModelsPage, ours.ModelsPage>("same");
same<Chatmux.ReasoningEffort, ours.ReasoningEffort>("same");
same<Chatmux.ResponseFormatJSONObject, ours.ResponseFormatJSONObject>("same");
same<Chatmux.ResponseFormatJSONSchema, ours.ResponseFormatJSONSchema>("same");
same<Chatmux.ResponseFormatText, ours.ResponseFormatText>("same");
same<Chatmux.ClientOptions, ours.ClientOptions>("same");
same<Chatmux.RequestOptions, ours.AnyRequestOptions>("same");
same<Chat.ChatModel, ours.ChatModel>("same");
same<Chatmux.Models.Model, ours.Model>("same");
same<Chatmux.Models.ModelsPage, ours.ModelsPage>("same");
same<Chatmux.Completions.CompletionUsage, ours.CompletionUsage>("same");

// The resources.
declare const client: Chatmux;
same<Chatmux.Chat, typeof client.chat>("same");
same<Chatmux.Chat.Completions, typeof client.chat.completions>("same");
same<Chatmux.Models, typeof client.models>("same");

// However it is imported, and in the namespaces of the types themselves.
same<Default.Chat.ChatCompletionMessageParam[], ours.ChatCompletionMessageParam[]>("same");
same<Default.ChatCompletion, ours.ChatCompletion>("same");
same<OpenAI.Chat.Completions.ChatCompletionChunk.Choice.Delta, ours.ChatCompletionChunkDelta>("same");
same<OpenAI.ChatCompletionCreateParams.WebSearchOptions, ours.ChatCompletionWebSearchOptions>("same");
same<typeof Chatmux.OpenAI, typeof Default>("same");

// What openai takes by these names, chatmux takes; with the options of a call and a query that is an interface.
declare const params: Theirs.Chat.ChatCompletionCreateParamsNonStreaming;
declare const options: Chatmux.RequestOptions;
declare const query: Theirs.Chat.ChatCompletionListParams;
void client.chat.completions.create(params, options).then((it): Theirs.ChatCompletion => it);
void client.get<Theirs.ChatCompletion[]>("/chat/completions", { query });
void client.get("/x", { query: { since: new Date(0), nested: { list: [1, "a"] }, none: null } });
// @ts-expect-error: a text is no query
void client.get("/x", { query: "a=b" });

// Nothing but types: openai's classes of the resources are not there.
// @ts-expect-error
void Chatmux.Chat;
// @ts-expect-error
void Chatmux.Models;

// An error is made as openai makes it.
const error: ours.APIError = Chatmux.APIError.generate(404, { error: { message: "no" } }, undefined, new Headers());
void error;
