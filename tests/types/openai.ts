/*
 * Whatever is typed by the openai package fits ours, and ours fits theirs: programs move over one file at a time,
 * and libraries that take openai's types take ours.
 */

import type OpenAI from "openai";
import type * as theirs from "openai/resources/chat/completions";
import type { CompletionUsage as TheirUsage } from "openai/resources/completions";
import type * as shared from "openai/resources/shared";
import type * as ours from "../../src/js/types.js";

type NotAny<T> = 0 extends 1 & T ? never : T;

/** The names of T's fields, or of each member of a union. */
type Keys<T> = T extends object ? keyof T & string : never;

/** Fields of theirs that ours lacks: optional ones would not be missed by assigning. */
type Lacking<Theirs, Ours> = Exclude<Keys<Theirs>, Keys<Ours>>;

/**
 * To be called with the identity twice. An optional field of theirs that ours has forgotten makes a third argument
 * required, whose type names the field.
 */
declare function bothWays<Theirs, Ours>(
  toOurs: (theirs: Theirs) => NotAny<Ours>,
  toTheirs: (ours: Ours) => NotAny<Theirs>,
  ...forgotten: [Lacking<Theirs, Ours>] extends [never] ? [] : [field: Lacking<Theirs, Ours>]
): void;

// Completions.
bothWays<OpenAI.ChatCompletion, ours.ChatCompletion>((it) => it, (it) => it);
bothWays<OpenAI.Chat.ChatCompletion, ours.ChatCompletion>((it) => it, (it) => it);
bothWays<theirs.ChatCompletion.Choice, ours.ChatCompletion.Choice>((it) => it, (it) => it);
bothWays<theirs.ChatCompletion.Choice, ours.ChatCompletionChoice>((it) => it, (it) => it);
bothWays<theirs.ChatCompletion.Choice.Logprobs, ours.ChatCompletion.Choice.Logprobs>((it) => it, (it) => it);
bothWays<theirs.ChatCompletion.Moderation, ours.ChatCompletion.Moderation>((it) => it, (it) => it);
bothWays<theirs.ChatCompletion.Moderation.Error, ours.ChatCompletion.Moderation.Error>((it) => it, (it) => it);
bothWays<theirs.ChatCompletion.Moderation.ModerationResults, ours.ChatCompletion.Moderation.ModerationResults>(
  (it) => it,
  (it) => it,
);
bothWays<
  theirs.ChatCompletion.Moderation.ModerationResults.Result,
  ours.ChatCompletion.Moderation.ModerationResults.Result
>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionMessage, ours.ChatCompletionMessage>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionMessage.Annotation, ours.ChatCompletionMessage.Annotation>((it) => it, (it) => it);
bothWays<
  theirs.ChatCompletionMessage.Annotation.URLCitation,
  ours.ChatCompletionMessage.Annotation.URLCitation
>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionMessage.FunctionCall, ours.ChatCompletionMessage.FunctionCall>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionAudio, ours.ChatCompletionAudio>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionMessageToolCall, ours.ChatCompletionMessageToolCall>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionMessageFunctionToolCall, ours.ChatCompletionMessageFunctionToolCall>(
  (it) => it,
  (it) => it,
);
bothWays<
  theirs.ChatCompletionMessageFunctionToolCall.Function,
  ours.ChatCompletionMessageFunctionToolCall.Function
>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionMessageCustomToolCall, ours.ChatCompletionMessageCustomToolCall>(
  (it) => it,
  (it) => it,
);
bothWays<
  theirs.ChatCompletionMessageCustomToolCall.Custom,
  ours.ChatCompletionMessageCustomToolCall.Custom
>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionTokenLogprob, ours.ChatCompletionTokenLogprob>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionTokenLogprob.TopLogprob, ours.ChatCompletionTokenLogprob.TopLogprob>(
  (it) => it,
  (it) => it,
);
bothWays<OpenAI.CompletionUsage, ours.CompletionUsage>((it) => it, (it) => it);
bothWays<TheirUsage.CompletionTokensDetails, ours.CompletionUsage.CompletionTokensDetails>((it) => it, (it) => it);
bothWays<TheirUsage.PromptTokensDetails, ours.CompletionUsage.PromptTokensDetails>((it) => it, (it) => it);

// Chunks.
bothWays<OpenAI.ChatCompletionChunk, ours.ChatCompletionChunk>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionChunk.Choice, ours.ChatCompletionChunk.Choice>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionChunk.Choice, ours.ChatCompletionChunkChoice>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionChunk.Choice.Logprobs, ours.ChatCompletionChunk.Choice.Logprobs>(
  (it) => it,
  (it) => it,
);
bothWays<theirs.ChatCompletionChunk.Choice.Delta, ours.ChatCompletionChunk.Choice.Delta>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionChunk.Choice.Delta, ours.ChatCompletionChunkDelta>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionChunk.Choice.Delta.Audio, ours.ChatCompletionChunk.Choice.Delta.Audio>(
  (it) => it,
  (it) => it,
);
bothWays<theirs.ChatCompletionChunk.Choice.Delta.FunctionCall, ours.ChatCompletionChunk.Choice.Delta.FunctionCall>(
  (it) => it,
  (it) => it,
);
bothWays<theirs.ChatCompletionChunk.Choice.Delta.ToolCall, ours.ChatCompletionChunk.Choice.Delta.ToolCall>(
  (it) => it,
  (it) => it,
);
bothWays<theirs.ChatCompletionChunk.Choice.Delta.ToolCall, ours.ChatCompletionChunkToolCall>((it) => it, (it) => it);
bothWays<
  theirs.ChatCompletionChunk.Choice.Delta.ToolCall.Custom,
  ours.ChatCompletionChunk.Choice.Delta.ToolCall.Custom
>((it) => it, (it) => it);
bothWays<
  theirs.ChatCompletionChunk.Choice.Delta.ToolCall.Function,
  ours.ChatCompletionChunk.Choice.Delta.ToolCall.Function
>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionChunk.Moderation, ours.ChatCompletionChunk.Moderation>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionChunk.Moderation.Error, ours.ChatCompletionChunk.Moderation.Error>(
  (it) => it,
  (it) => it,
);
bothWays<
  theirs.ChatCompletionChunk.Moderation.ModerationResults,
  ours.ChatCompletionChunk.Moderation.ModerationResults
>((it) => it, (it) => it);
bothWays<
  theirs.ChatCompletionChunk.Moderation.ModerationResults.Result,
  ours.ChatCompletionChunk.Moderation.ModerationResults.Result
>((it) => it, (it) => it);

// Messages.
bothWays<OpenAI.ChatCompletionMessageParam, ours.ChatCompletionMessageParam>((it) => it, (it) => it);
bothWays<OpenAI.ChatCompletionMessageParam[], ours.ChatCompletionMessageParam[]>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionRole, ours.ChatCompletionRole>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionDeveloperMessageParam, ours.ChatCompletionDeveloperMessageParam>(
  (it) => it,
  (it) => it,
);
bothWays<theirs.ChatCompletionSystemMessageParam, ours.ChatCompletionSystemMessageParam>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionUserMessageParam, ours.ChatCompletionUserMessageParam>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionAssistantMessageParam, ours.ChatCompletionAssistantMessageParam>(
  (it) => it,
  (it) => it,
);
bothWays<
  theirs.ChatCompletionAssistantMessageParam.Audio,
  ours.ChatCompletionAssistantMessageParam.Audio
>((it) => it, (it) => it);
bothWays<
  theirs.ChatCompletionAssistantMessageParam.FunctionCall,
  ours.ChatCompletionAssistantMessageParam.FunctionCall
>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionToolMessageParam, ours.ChatCompletionToolMessageParam>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionFunctionMessageParam, ours.ChatCompletionFunctionMessageParam>((it) => it, (it) => it);

// Content parts.
bothWays<theirs.ChatCompletionContentPart, ours.ChatCompletionContentPart>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionContentPart.File, ours.ChatCompletionContentPart.File>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionContentPart.File.File, ours.ChatCompletionContentPart.File.File>(
  (it) => it,
  (it) => it,
);
bothWays<
  theirs.ChatCompletionContentPart.File.PromptCacheBreakpoint,
  ours.ChatCompletionContentPart.File.PromptCacheBreakpoint
>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionContentPartText, ours.ChatCompletionContentPartText>((it) => it, (it) => it);
bothWays<
  theirs.ChatCompletionContentPartText.PromptCacheBreakpoint,
  ours.ChatCompletionContentPartText.PromptCacheBreakpoint
>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionContentPartImage, ours.ChatCompletionContentPartImage>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionContentPartImage.ImageURL, ours.ChatCompletionContentPartImage.ImageURL>(
  (it) => it,
  (it) => it,
);
bothWays<
  theirs.ChatCompletionContentPartImage.PromptCacheBreakpoint,
  ours.ChatCompletionContentPartImage.PromptCacheBreakpoint
>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionContentPartInputAudio, ours.ChatCompletionContentPartInputAudio>(
  (it) => it,
  (it) => it,
);
bothWays<
  theirs.ChatCompletionContentPartInputAudio.InputAudio,
  ours.ChatCompletionContentPartInputAudio.InputAudio
>((it) => it, (it) => it);
bothWays<
  theirs.ChatCompletionContentPartInputAudio.PromptCacheBreakpoint,
  ours.ChatCompletionContentPartInputAudio.PromptCacheBreakpoint
>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionContentPartRefusal, ours.ChatCompletionContentPartRefusal>((it) => it, (it) => it);

// Requests.
bothWays<OpenAI.ChatCompletionCreateParams, ours.ChatCompletionCreateParams>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionCreateParamsBase, ours.ChatCompletionCreateParamsBase>((it) => it, (it) => it);
bothWays<OpenAI.ChatCompletionCreateParamsNonStreaming, ours.ChatCompletionCreateParamsNonStreaming>(
  (it) => it,
  (it) => it,
);
bothWays<OpenAI.ChatCompletionCreateParamsStreaming, ours.ChatCompletionCreateParamsStreaming>(
  (it) => it,
  (it) => it,
);
bothWays<
  theirs.ChatCompletionCreateParams.ChatCompletionCreateParamsNonStreaming,
  ours.ChatCompletionCreateParams.ChatCompletionCreateParamsNonStreaming
>((it) => it, (it) => it);
bothWays<
  theirs.ChatCompletionCreateParams.ChatCompletionCreateParamsStreaming,
  ours.ChatCompletionCreateParams.ChatCompletionCreateParamsStreaming
>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionCreateParams.Function, ours.ChatCompletionCreateParams.Function>(
  (it) => it,
  (it) => it,
);
bothWays<theirs.ChatCompletionCreateParams.Moderation, ours.ChatCompletionCreateParams.Moderation>(
  (it) => it,
  (it) => it,
);
bothWays<theirs.ChatCompletionCreateParams.Moderation.Policy, ours.ChatCompletionCreateParams.Moderation.Policy>(
  (it) => it,
  (it) => it,
);
bothWays<
  theirs.ChatCompletionCreateParams.Moderation.Policy.Input,
  ours.ChatCompletionCreateParams.Moderation.Policy.Input
>((it) => it, (it) => it);
bothWays<
  theirs.ChatCompletionCreateParams.Moderation.Policy.Output,
  ours.ChatCompletionCreateParams.Moderation.Policy.Output
>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionCreateParams.PromptCacheOptions, ours.ChatCompletionCreateParams.PromptCacheOptions>(
  (it) => it,
  (it) => it,
);
bothWays<theirs.ChatCompletionCreateParams.WebSearchOptions, ours.ChatCompletionCreateParams.WebSearchOptions>(
  (it) => it,
  (it) => it,
);
bothWays<
  theirs.ChatCompletionCreateParams.WebSearchOptions.UserLocation,
  ours.ChatCompletionCreateParams.WebSearchOptions.UserLocation
>((it) => it, (it) => it);
bothWays<
  theirs.ChatCompletionCreateParams.WebSearchOptions.UserLocation.Approximate,
  ours.ChatCompletionCreateParams.WebSearchOptions.UserLocation.Approximate
>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionAudioParam, ours.ChatCompletionAudioParam>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionAudioParam.ID, ours.ChatCompletionAudioParam.ID>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionModality, ours.ChatCompletionModality>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionPredictionContent, ours.ChatCompletionPredictionContent>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionStreamOptions, ours.ChatCompletionStreamOptions>((it) => it, (it) => it);
bothWays<OpenAI.ReasoningEffort, ours.ReasoningEffort>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionReasoningEffort, ours.ChatCompletionReasoningEffort>((it) => it, (it) => it);
bothWays<OpenAI.Metadata, ours.Metadata>((it) => it, (it) => it);
bothWays<shared.ResponseFormatText, ours.ResponseFormatText>((it) => it, (it) => it);
bothWays<shared.ResponseFormatJSONObject, ours.ResponseFormatJSONObject>((it) => it, (it) => it);
bothWays<shared.ResponseFormatJSONSchema, ours.ResponseFormatJSONSchema>((it) => it, (it) => it);
bothWays<shared.ResponseFormatJSONSchema.JSONSchema, ours.ResponseFormatJSONSchema.JSONSchema>(
  (it) => it,
  (it) => it,
);

// Tools.
bothWays<OpenAI.ChatCompletionTool, ours.ChatCompletionTool>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionFunctionTool, ours.ChatCompletionFunctionTool>((it) => it, (it) => it);
bothWays<OpenAI.FunctionDefinition, ours.FunctionDefinition>((it) => it, (it) => it);
bothWays<OpenAI.FunctionParameters, ours.FunctionParameters>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionCustomTool, ours.ChatCompletionCustomTool>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionCustomTool.Custom, ours.ChatCompletionCustomTool.Custom>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionCustomTool.Custom.Text, ours.ChatCompletionCustomTool.Custom.Text>(
  (it) => it,
  (it) => it,
);
bothWays<theirs.ChatCompletionCustomTool.Custom.Grammar, ours.ChatCompletionCustomTool.Custom.Grammar>(
  (it) => it,
  (it) => it,
);
bothWays<
  theirs.ChatCompletionCustomTool.Custom.Grammar.Grammar,
  ours.ChatCompletionCustomTool.Custom.Grammar.Grammar
>((it) => it, (it) => it);
bothWays<OpenAI.ChatCompletionToolChoiceOption, ours.ChatCompletionToolChoiceOption>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionAllowedToolChoice, ours.ChatCompletionAllowedToolChoice>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionAllowedTools, ours.ChatCompletionAllowedTools>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionNamedToolChoice, ours.ChatCompletionNamedToolChoice>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionNamedToolChoice.Function, ours.ChatCompletionNamedToolChoice.Function>(
  (it) => it,
  (it) => it,
);
bothWays<theirs.ChatCompletionNamedToolChoiceCustom, ours.ChatCompletionNamedToolChoiceCustom>(
  (it) => it,
  (it) => it,
);
bothWays<theirs.ChatCompletionNamedToolChoiceCustom.Custom, ours.ChatCompletionNamedToolChoiceCustom.Custom>(
  (it) => it,
  (it) => it,
);
bothWays<theirs.ChatCompletionFunctionCallOption, ours.ChatCompletionFunctionCallOption>((it) => it, (it) => it);

// Stored completions.
bothWays<theirs.ChatCompletionStoreMessage, ours.ChatCompletionStoreMessage>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionUpdateParams, ours.ChatCompletionUpdateParams>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionListParams, ours.ChatCompletionListParams>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionDeleted, ours.ChatCompletionDeleted>((it) => it, (it) => it);

// Parsed completions.
bothWays<theirs.ChatCompletionParseParams, ours.ChatCompletionParseParams>((it) => it, (it) => it);
bothWays<theirs.ParsedChatCompletion<string>, ours.ParsedChatCompletion<string>>((it) => it, (it) => it);
bothWays<theirs.ParsedChoice<string>, ours.ParsedChoice<string>>((it) => it, (it) => it);
bothWays<theirs.ParsedChatCompletionMessage<string>, ours.ParsedChatCompletionMessage<string>>((it) => it, (it) => it);
bothWays<theirs.ParsedChatCompletionMessageToolCall, ours.ParsedChatCompletionMessageToolCall>(
  (it) => it,
  (it) => it,
);
bothWays<theirs.ParsedFunctionToolCall, ours.ParsedFunctionToolCall>((it) => it, (it) => it);
bothWays<theirs.ParsedFunction, ours.ParsedFunction>((it) => it, (it) => it);

// Models. Any id is one of ours.
void ((it: OpenAI.ChatModel): ours.ChatModel => it);
bothWays<OpenAI.Model, ours.Model>((it) => it, (it) => it);

// Their client takes ours and gives ours.
declare const client: OpenAI;
declare const whole: ours.ChatCompletionCreateParamsNonStreaming;
declare const streamed: ours.ChatCompletionCreateParamsStreaming;
void client.chat.completions.create(whole).then((it): ours.ChatCompletion => it);
void client.chat.completions.create(streamed).then((it): AsyncIterable<ours.ChatCompletionChunk> => it);
