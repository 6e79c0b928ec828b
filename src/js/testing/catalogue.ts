/** The models that the local provider offers, in the wire form of AIHubMix's public catalogue, odd types included. */

interface Listed {
  model_id: string;
  model_name: string;
  developer_id: number;
  desc: string;
  types: string;
  features: string;
  input_modalities: string;
  endpoints: string;
  /** A number, a number as text, or nothing known: "" or 0. */
  max_output: number | string;
  context_length: number | string;
  /** USD per million tokens. */
  pricing: { input: number; output: number; cache_read?: number; cache_write?: number };
}

/** Numbers as AIHubMix uses them: ids of developers, not names. */
const OPENAI = 1, ANTHROPIC = 2, GOOGLE = 3, DEEPSEEK = 4, ALIBABA = 5, ZHIPU = 6, MOONSHOT = 7;

const DEFAULTS = {
  desc: "",
  types: "llm",
  features: "tools,function_calling",
  input_modalities: "text",
  endpoints: "chat_completions",
  max_output: "" as number | string,
  context_length: "" as number | string,
};

function model(
  model_id: string,
  model_name: string,
  developer_id: number,
  pricing: Listed["pricing"],
  rest: Partial<Listed>,
): Listed {
  return { model_id, model_name, developer_id, ...DEFAULTS, ...rest, pricing };
}

const MODELS: Listed[] = [
  model("gpt-4o-mini", "GPT-4o mini", OPENAI, { input: 0.15, output: 0.6, cache_read: 0.075 }, {
    desc: "Small, quick and cheap; sees images. A good first model.",
    features: "tools,function_calling,structured_outputs",
    input_modalities: "text,image",
    endpoints: "chat_completions,responses",
    max_output: 16384,
    context_length: 128000,
  }),
  model("gpt-5.1", "GPT-5.1", OPENAI, { input: 1.25, output: 10, cache_read: 0.125 }, {
    desc: "OpenAI's general model, with reasoning that can be turned off.",
    features: "thinking,tools,function_calling,web,structured_outputs,long_context",
    input_modalities: "text,image",
    endpoints: "chat_completions,responses",
    max_output: "128000",
    context_length: "400000",
  }),
  model("claude-opus-5", "Claude Opus 5", ANTHROPIC, { input: 5, output: 25, cache_read: 0.5, cache_write: 6.25 }, {
    desc: "Anthropic's strongest model for long, careful work.",
    features: "thinking,tools,function_calling,structured_outputs,long_context",
    input_modalities: "text,image,pdf",
    endpoints: "chat_completions,claude_api,responses",
    max_output: "64000",
    context_length: 200000,
  }),
  model("claude-haiku-4-5", "Claude Haiku 4.5", ANTHROPIC, { input: 1, output: 5, cache_read: 0.1, cache_write: 1.25 }, {
    desc: "Fast, and close to the larger models in everyday work.",
    features: "thinking,tools,function_calling",
    input_modalities: "text,image,pdf",
    endpoints: "chat_completions,claude_api",
    max_output: 64000,
    context_length: "200000",
  }),
  model("gemini-3.7-flash", "Gemini 3.7 Flash", GOOGLE, { input: 0.3, output: 2.5, cache_read: 0.03 }, {
    desc: "Text, images, sound and video in; a very long memory.",
    features: "thinking,tools,function_calling,web,structured_outputs,long_context",
    input_modalities: "text,image,audio,video,pdf",
    endpoints: "chat_completions,gemini_api",
    max_output: 65536,
    context_length: 1048576,
  }),
  model("gemini-2.5-flash-image", "Gemini 2.5 Flash Image", GOOGLE, { input: 0.3, output: 2.5 }, {
    desc: "Draws and edits images in a conversation.",
    types: "llm,image_generation",
    features: "",
    input_modalities: "text,image",
    endpoints: "chat_completions,gemini_api",
    max_output: 32768,
    context_length: "32768",
  }),
  model("deepseek-v3.2", "DeepSeek V3.2", DEEPSEEK, { input: 0.28, output: 0.42, cache_read: 0.028 }, {
    desc: "Open weights, at a fraction of the usual price.",
    features: "thinking,tools,function_calling",
    max_output: "65536",
    context_length: 131072,
  }),
  model("qwen3-max", "Qwen3 Max", ALIBABA, { input: 1.2, output: 6 }, {
    desc: "Alibaba's largest model, strong in Chinese and in code.",
    features: "tools,function_calling,structured_outputs,web",
    max_output: 65536,
    context_length: "262144",
  }),
  model("qwen3-vl-8b", "Qwen3 VL 8B", ALIBABA, { input: 0.08, output: 0.5 }, {
    desc: "A small model that reads pictures.",
    features: "tools",
    input_modalities: "text,image,video",
    max_output: 0,
    context_length: 131072,
  }),
  model("glm-4.6", "GLM-4.6", ZHIPU, { input: 0.6, output: 2.2, cache_read: 0.11 }, {
    desc: "Zhipu's model for agents and code.",
    features: "thinking,tools,function_calling",
    endpoints: "chat_completions,claude_api",
    max_output: "131072",
    context_length: 204800,
  }),
  model("kimi-k2-thinking", "Kimi K2 Thinking", MOONSHOT, { input: 0.6, output: 2.5, cache_read: 0.15 }, {
    desc: "Reasons for a long time and calls many tools on the way.",
    features: "thinking,tools,function_calling,long_context",
    max_output: "",
    context_length: "262144",
  }),
  model("glm-4.5-flash", "GLM-4.5 Flash", ZHIPU, { input: 0, output: 0 }, {
    desc: "Free of charge, within limits.",
    features: "thinking,tools",
    max_output: "",
    context_length: 0,
  }),
];

export function knows(id: string): boolean {
  return MODELS.some((model) => model.model_id === id);
}

/** Whether a model reasons when it is asked to. */
export function thinks(id: string): boolean {
  return MODELS.some((model) => model.model_id === id && list(model.features).includes("thinking"));
}

/** `GET /v1/models`, in OpenAI's form. */
export function modelList(): unknown {
  const created = Date.UTC(2026, 0, 1) / 1000;
  return {
    object: "list",
    data: MODELS.map((model) => ({ id: model.model_id, object: "model", created, owned_by: "chatmux-local" })),
  };
}

/** `GET /api/v1/models`, in AIHubMix's form. Every filter that is given must match. */
export function catalogue(query: URLSearchParams): unknown {
  const wanted = (query.get("model") ?? "").trim().toLowerCase();
  const data = MODELS.filter((model) =>
    hasAll(model.types, query.get("type")) &&
    hasAll(model.input_modalities, query.get("modalities")) &&
    hasAll(model.features, query.get("features")) &&
    `${model.model_id} ${model.model_name}`.toLowerCase().includes(wanted)
  );
  return { data: sorted(data, query.get("sort_by"), query.get("sort_order")), success: true, message: "" };
}

function sorted(models: Listed[], by: string | null, order: string | null): Listed[] {
  const keys: Record<string, (model: Listed) => number> = {
    model_ratio: (model) => model.pricing.input,
    context_length: (model) => Number(model.context_length),
    // Nobody measured these: whoever costs more is taken to program better.
    coding: (model) => model.pricing.output,
    order: (model) => MODELS.indexOf(model),
  };
  const key = by !== null && Object.hasOwn(keys, by) ? keys[by]! : keys.order!;
  const sign = order === "desc" ? -1 : 1;
  return [...models].sort((one, other) => sign * (key(one) - key(other)));
}

function hasAll(field: string, wanted: string | null): boolean {
  return list(wanted ?? "").every((word) => list(field).includes(word));
}

function list(text: string): string[] {
  return text.split(",").map((word) => word.trim()).filter(Boolean);
}
