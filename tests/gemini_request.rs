//! Chat requests as requests to Gemini: a row of a table for each thing that is said in another way there, or cannot be.
#![cfg(not(target_arch = "wasm32"))]

use chatmux::dialect::gemini::write_request;
use chatmux::dialect::translate::{Action, Outgoing, Target};
use serde_json::{Value, json};

#[path = "gemini_request/messages.rs"]
mod messages;
#[path = "gemini_request/schemas.rs"]
mod schemas;

use messages::call;

const NEW: &str = "gemini-3-flash-preview";
const OLD: &str = "gemini-2.5-flash";

fn write_to(target: &Target<'_>, request: &Value) -> Result<Outgoing, chatmux::Error> {
    write_request(&request.to_string(), target)
}

fn target(model: &str) -> Target<'_> {
    Target { model, is_aihubmix: false, is_strict: false }
}

fn write(model: &str, request: &Value) -> Outgoing {
    write_to(&target(model), request).unwrap_or_else(|error| panic!("{}: {request}", error.message))
}

fn body(outgoing: &Outgoing) -> Value {
    serde_json::from_str(&outgoing.body).unwrap_or_else(|error| panic!("{error}: {}", outgoing.body))
}

fn losses(outgoing: &Outgoing) -> Vec<(&str, Action)> {
    outgoing.losses.list().iter().map(|loss| (loss.param.as_str(), loss.action)).collect()
}

/// A request with these parameters besides a message.
fn with(parameters: &Value) -> Value {
    let mut request = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    for (name, value) in parameters.as_object().expect("parameters are an object") {
        request[name] = value.clone();
    }
    request
}

fn talk(messages: Value) -> Value {
    json!({"model": "m", "messages": messages})
}

/// What the param of the error is that a request comes to.
fn refused(model: &str, request: &Value) -> String {
    let error = write_to(&target(model), request).err().unwrap_or_else(|| panic!("nothing is wrong with {request}"));
    let object: Value = serde_json::from_str(&error.body.expect("it has an object")).expect("it is JSON");
    object["param"].as_str().expect("it has a param").to_owned()
}

#[test]
fn parameters_are_said_in_geminis_words() {
    use Action::{Assumed, Clamped, Dropped, Emulated};
    type Row = (&'static str, Value, Value, Vec<(&'static str, Action)>);
    let config = |members: Value| json!({"generationConfig": members});
    let thinking = |members: Value| json!({"generationConfig": {"thinkingConfig": members}});
    let rows: Vec<Row> = vec![
        (NEW, json!({}), json!({}), vec![]),
        (
            NEW,
            json!({"temperature": 0.2, "top_p": 0.9, "top_k": 4}),
            config(json!({"temperature": 0.2, "topP": 0.9, "topK": 4})),
            vec![],
        ),
        ("gemini-3.7-flash", json!({"temperature": 0.2, "top_p": 1}), json!({}), vec![("temperature", Dropped)]),
        (NEW, json!({"max_tokens": 5}), config(json!({"maxOutputTokens": 5})), vec![]),
        (
            NEW,
            json!({"max_tokens": 5, "max_completion_tokens": 6}),
            config(json!({"maxOutputTokens": 6})),
            vec![("max_tokens", Dropped)],
        ),
        (
            OLD,
            json!({"max_tokens": 200_000}),
            config(json!({"maxOutputTokens": 65_536})),
            vec![("max_tokens", Clamped)],
        ),
        (
            "gemini-99",
            json!({"max_tokens": 200_000}),
            config(json!({"maxOutputTokens": 200_000})),
            vec![("model", Assumed)],
        ),
        (NEW, json!({"stop": "END"}), config(json!({"stopSequences": ["END"]})), vec![]),
        (
            NEW,
            json!({"stop": ["a", "", "\n"]}),
            config(json!({"stopSequences": ["a", "\n"]})),
            vec![("stop[1]", Dropped)],
        ),
        (
            NEW,
            json!({"seed": -7, "presence_penalty": 0.5, "frequency_penalty": -0.5}),
            config(json!({"seed": -7, "presencePenalty": 0.5, "frequencyPenalty": -0.5})),
            vec![],
        ),
        (NEW, json!({"seed": 3_000_000_000_u64}), json!({}), vec![("seed", Dropped)]),
        (OLD, json!({"presence_penalty": 0.5, "frequency_penalty": 0}), json!({}), vec![("presence_penalty", Dropped)]),
        (OLD, json!({"n": 3}), config(json!({"candidateCount": 3})), vec![]),
        (NEW, json!({"n": 1}), json!({}), vec![]),
        (
            OLD,
            json!({"logprobs": true, "top_logprobs": 4}),
            config(json!({"responseLogprobs": true, "logprobs": 4})),
            vec![],
        ),
        (
            NEW,
            json!({"logprobs": true, "top_logprobs": 4}),
            json!({}),
            vec![("logprobs", Dropped), ("top_logprobs", Dropped)],
        ),
        (NEW, json!({"response_format": {"type": "text"}}), json!({}), vec![]),
        (
            NEW,
            json!({"response_format": {"type": "json_object"}}),
            config(json!({"responseMimeType": "application/json"})),
            vec![],
        ),
        (
            NEW,
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": true, "description": "what", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}}}}),
            config(
                json!({"responseMimeType": "application/json", "responseJsonSchema": {"type": "object", "properties": {"a": {"type": "string"}}, "description": "what"}}),
            ),
            vec![],
        ),
        (NEW, json!({"modalities": ["text"]}), json!({}), vec![]),
        (
            NEW,
            json!({"modalities": ["text", "image"], "image_config": {"aspect_ratio": "16:9"}}),
            config(json!({"responseModalities": ["TEXT", "IMAGE"], "imageConfig": {"aspectRatio": "16:9"}})),
            vec![],
        ),
        (
            NEW,
            json!({"modalities": ["text", "audio"], "audio": {"voice": "Kore", "format": "mp3"}}),
            config(
                json!({"responseModalities": ["AUDIO"], "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}}),
            ),
            vec![("modalities", Clamped), ("audio.format", Dropped)],
        ),
        (NEW, json!({"service_tier": "auto"}), json!({}), vec![]),
        (NEW, json!({"service_tier": "default"}), json!({"serviceTier": "standard"}), vec![]),
        (NEW, json!({"service_tier": "flex"}), json!({"serviceTier": "flex"}), vec![]),
        (NEW, json!({"service_tier": "scale"}), json!({}), vec![("service_tier", Dropped)]),
        (NEW, json!({"web_search_options": {}}), json!({"tools": [{"googleSearch": {}}]}), vec![]),
        (
            NEW,
            json!({"web_search_options": {"search_context_size": "low"}}),
            json!({"tools": [{"googleSearch": {}}]}),
            vec![("web_search_options.search_context_size", Dropped)],
        ),
        (
            NEW,
            json!({"extra_body": {"google": {"cached_content": "cachedContents/1", "safety_settings": [{"category": "C", "threshold": "BLOCK_NONE"}]}}}),
            json!({"cachedContent": "cachedContents/1", "safetySettings": [{"category": "C", "threshold": "BLOCK_NONE"}]}),
            vec![],
        ),
        (
            NEW,
            json!({"google": {"other": 1}, "extra_body": {"x": 1}}),
            json!({}),
            vec![("google.other", Dropped), ("extra_body.x", Dropped)],
        ),
        (
            NEW,
            json!({"user": "u", "safety_identifier": "s", "metadata": {"a": "b"}, "store": true, "logit_bias": {"1": 2}, "prediction": {"type": "content"}, "moderation": {"model": "m"}, "verbosity": "low", "prompt_cache_key": "k", "made_up": 1}),
            json!({}),
            [
                "logit_bias",
                "made_up",
                "metadata",
                "moderation",
                "prediction",
                "prompt_cache_key",
                "safety_identifier",
                "store",
                "user",
                "verbosity",
            ]
            .map(|name| (name, Dropped))
            .to_vec(),
        ),
        (
            NEW,
            json!({"store": false, "metadata": {}, "user": null, "logit_bias": {}, "logprobs": false}),
            json!({}),
            vec![],
        ),
        // How much to think.
        (OLD, json!({"reasoning_effort": "none"}), thinking(json!({"thinkingBudget": 0})), vec![]),
        (
            "gemini-2.5-pro",
            json!({"reasoning_effort": "none"}),
            thinking(json!({"thinkingBudget": 128})),
            vec![("reasoning_effort", Clamped)],
        ),
        (
            NEW,
            json!({"reasoning_effort": "none"}),
            thinking(json!({"thinkingLevel": "MINIMAL"})),
            vec![("reasoning_effort", Clamped)],
        ),
        (
            "gemini-3-pro-preview",
            json!({"reasoning_effort": "none"}),
            thinking(json!({"thinkingLevel": "LOW"})),
            vec![("reasoning_effort", Clamped)],
        ),
        (
            OLD,
            json!({"reasoning_effort": "minimal"}),
            thinking(json!({"includeThoughts": true, "thinkingBudget": 1024})),
            vec![],
        ),
        (
            OLD,
            json!({"reasoning_effort": "low"}),
            thinking(json!({"includeThoughts": true, "thinkingBudget": 1024})),
            vec![],
        ),
        (
            OLD,
            json!({"reasoning_effort": "medium"}),
            thinking(json!({"includeThoughts": true, "thinkingBudget": 8192})),
            vec![],
        ),
        (
            OLD,
            json!({"reasoning_effort": "high"}),
            thinking(json!({"includeThoughts": true, "thinkingBudget": 24_576})),
            vec![],
        ),
        (
            OLD,
            json!({"reasoning_effort": "xhigh"}),
            thinking(json!({"includeThoughts": true, "thinkingBudget": 24_576})),
            vec![("reasoning_effort", Clamped)],
        ),
        (
            NEW,
            json!({"reasoning_effort": "minimal"}),
            thinking(json!({"includeThoughts": true, "thinkingLevel": "MINIMAL"})),
            vec![],
        ),
        (
            "gemini-3.7-flash",
            json!({"reasoning_effort": "minimal"}),
            thinking(json!({"includeThoughts": true, "thinkingLevel": "LOW"})),
            vec![("reasoning_effort", Clamped)],
        ),
        (
            NEW,
            json!({"reasoning_effort": "medium"}),
            thinking(json!({"includeThoughts": true, "thinkingLevel": "MEDIUM"})),
            vec![],
        ),
        (
            NEW,
            json!({"reasoning_effort": "max"}),
            thinking(json!({"includeThoughts": true, "thinkingLevel": "HIGH"})),
            vec![("reasoning_effort", Clamped)],
        ),
        ("gemini-2.0-flash", json!({"reasoning_effort": "high"}), json!({}), vec![("reasoning_effort", Dropped)]),
        ("gemini-2.0-flash", json!({"reasoning_effort": "none"}), json!({}), vec![]),
        (
            OLD,
            json!({"reasoning": {"max_tokens": 2000}}),
            thinking(json!({"includeThoughts": true, "thinkingBudget": 2000})),
            vec![],
        ),
        (
            OLD,
            json!({"reasoning": {"max_tokens": 99_999}}),
            thinking(json!({"includeThoughts": true, "thinkingBudget": 24_576})),
            vec![("reasoning.max_tokens", Clamped)],
        ),
        (
            NEW,
            json!({"reasoning": {"max_tokens": 5000}}),
            thinking(json!({"includeThoughts": true, "thinkingLevel": "MEDIUM"})),
            vec![("reasoning.max_tokens", Clamped)],
        ),
        (
            NEW,
            json!({"reasoning": {"effort": "low", "exclude": true}}),
            thinking(json!({"thinkingLevel": "LOW"})),
            vec![],
        ),
        (
            NEW,
            json!({"reasoning_effort": "low", "reasoning": {"max_tokens": 9, "effort": "high"}}),
            thinking(json!({"includeThoughts": true, "thinkingLevel": "LOW"})),
            vec![("reasoning.max_tokens", Dropped), ("reasoning.effort", Dropped)],
        ),
        (
            OLD,
            json!({"reasoning": {"max_tokens": 1500, "effort": "high"}}),
            thinking(json!({"includeThoughts": true, "thinkingBudget": 1500})),
            vec![("reasoning.effort", Dropped)],
        ),
        (NEW, json!({"reasoning": {"enabled": true}}), thinking(json!({"includeThoughts": true})), vec![]),
        (
            NEW,
            json!({"reasoning_effort": "low", "extra_body": {"google": {"thinking_config": {"thinking_budget": 7, "include_thoughts": true}}}}),
            thinking(json!({"thinkingBudget": 7, "includeThoughts": true})),
            vec![("reasoning_effort", Dropped)],
        ),
        ("gemini-2.5-flash-think", json!({}), json!({}), vec![]),
        (
            OLD,
            json!({"reasoning_effort": "low", "max_tokens": 500}),
            config(json!({"maxOutputTokens": 500, "thinkingConfig": {"thinkingBudget": 0}})),
            vec![("reasoning_effort", Assumed)],
        ),
        (
            OLD,
            json!({"reasoning_effort": "high", "max_completion_tokens": 4000}),
            config(
                json!({"maxOutputTokens": 4000, "thinkingConfig": {"includeThoughts": true, "thinkingBudget": 3000}}),
            ),
            vec![("reasoning_effort", Assumed)],
        ),
        (
            OLD,
            json!({"reasoning": {"max_tokens": 900}, "max_tokens": 900}),
            config(json!({"maxOutputTokens": 900, "thinkingConfig": {"includeThoughts": true, "thinkingBudget": 644}})),
            vec![("reasoning.max_tokens", Clamped)],
        ),
        (
            "gemini-2.5-pro",
            json!({"reasoning_effort": "low", "max_tokens": 300}),
            config(json!({"maxOutputTokens": 300, "thinkingConfig": {"includeThoughts": true, "thinkingBudget": 128}})),
            vec![("reasoning_effort", Assumed)],
        ),
        (
            OLD,
            json!({"reasoning_effort": "low", "max_tokens": 1366}),
            config(
                json!({"maxOutputTokens": 1366, "thinkingConfig": {"includeThoughts": true, "thinkingBudget": 1024}}),
            ),
            vec![],
        ),
        // Tools and what is said of them.
        (NEW, json!({"tool_choice": "auto"}), json!({}), vec![]),
        (NEW, json!({"tools": [], "tool_choice": "required"}), json!({}), vec![("tool_choice", Dropped)]),
        (
            NEW,
            json!({"tools": [{"url_context": {}}, {"type": "mcp"}]}),
            json!({"tools": [{"urlContext": {}}]}),
            vec![("tools[1]", Dropped)],
        ),
        (
            OLD,
            json!({"tools": [{"type": "function", "function": {"name": "f"}}], "web_search_options": {}, "response_format": {"type": "json_object"}}),
            json!({
                "tools": [{"functionDeclarations": [{"name": "f"}]}],
                "systemInstruction": {"parts": [{"text": "Your final answer must be one JSON object and nothing else: no explanation, no code fence."}]},
            }),
            vec![("web_search_options", Dropped), ("response_format", Emulated)],
        ),
        (
            NEW,
            json!({"tools": [{"type": "function", "function": {"name": "f"}}], "web_search_options": {}, "response_format": {"type": "json_object"}}),
            json!({
                "tools": [{"googleSearch": {}}, {"functionDeclarations": [{"name": "f"}]}],
                "toolConfig": {"functionCallingConfig": {"mode": "VALIDATED"}, "includeServerSideToolInvocations": true},
                "generationConfig": {"responseMimeType": "application/json"},
            }),
            vec![],
        ),
    ];
    for (model, parameters, expected, lost) in rows {
        let outgoing = write(model, &with(&parameters));
        let mut body = body(&outgoing);
        let contents = body.as_object_mut().and_then(|body| body.remove("contents"));
        assert_eq!(contents, Some(json!([{"role": "user", "parts": [{"text": "hi"}]}])), "{model} {parameters}");
        assert_eq!(body, expected, "{model} {parameters}");
        assert_eq!(losses(&outgoing), lost, "{model} {parameters}");
    }
}

#[test]
fn functions_and_the_choice_among_them() {
    let functions = json!([
        {"type": "function", "function": {"name": "a", "description": "does", "parameters": {"$schema": "x", "type": "object", "properties": {"p": {"type": "string", "minLength": 2}}}}},
        {"type": "custom", "custom": {"name": "b", "description": "runs", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: X"}}}},
    ]);
    let config = |mode: &str, names: &[&str]| {
        let mut config = json!({"functionCallingConfig": {"mode": mode}});
        if !names.is_empty() {
            config["functionCallingConfig"]["allowedFunctionNames"] = json!(names);
        }
        config
    };
    let one = |name: &str| json!({"type": "function", "function": {"name": name}});
    for (choice, expected) in [
        (Value::Null, Value::Null),
        (json!("auto"), config("AUTO", &[])),
        (json!("none"), config("NONE", &[])),
        (json!("required"), config("ANY", &[])),
        (json!("validated"), config("VALIDATED", &[])),
        (one("a"), config("ANY", &["a"])),
        (json!({"type": "custom", "custom": {"name": "b"}}), config("ANY", &["b"])),
        (
            json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [one("a")]}}),
            config("VALIDATED", &["a"]),
        ),
        (
            json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [one("a"), one("b")]}}),
            config("ANY", &["a", "b"]),
        ),
        (json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}), config("NONE", &[])),
    ] {
        let outgoing =
            write(NEW, &with(&json!({"tools": functions, "tool_choice": choice, "parallel_tool_calls": false})));
        let body = body(&outgoing);
        assert_eq!(body["toolConfig"], expected, "{choice}");
        let input = json!({"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]});
        let parameters =
            json!({"type": "object", "properties": {"p": {"type": "string", "description": "{minLength: 2}"}}});
        let declarations = json!([
            {"name": "a", "description": "does", "parametersJsonSchema": parameters},
            {"name": "b", "description": "runs\n\nThe input must fit this grammar (lark):\nstart: X", "parametersJsonSchema": input},
        ]);
        assert_eq!(body["tools"], json!([{"functionDeclarations": declarations}]));
        assert_eq!(outgoing.back.customs, ["b"]);
        let lost = [
            ("tools[0].function.parameters.properties.p.minLength", Action::Moved),
            ("tools[1].custom.format", Action::Moved),
            ("parallel_tool_calls", Action::Dropped),
        ];
        assert_eq!(losses(&outgoing), lost, "{choice}");
    }
    let strict = json!([{"type": "function", "function": {"name": "a", "strict": true}}]);
    for (choice, mode) in [(Value::Null, "VALIDATED"), (json!("auto"), "VALIDATED"), (json!("required"), "ANY")] {
        let outgoing = write(NEW, &with(&json!({"tools": strict, "tool_choice": choice})));
        assert_eq!(body(&outgoing)["toolConfig"]["functionCallingConfig"]["mode"], mode);
        assert_eq!(losses(&outgoing), []);
    }
    let old = json!({"functions": [{"name": "f", "parameters": {}}], "function_call": {"name": "f"}});
    let body = body(&write(NEW, &with(&old)));
    assert_eq!(body["tools"], json!([{"functionDeclarations": [{"name": "f"}]}]));
    assert_eq!(body["toolConfig"], config("ANY", &["f"]));
}

#[test]
fn a_request_that_makes_no_sense_is_refused_at_its_place() {
    let said = |content: Value| talk(json!([{"role": "user", "content": content}]));
    let called = |call: Value| {
        talk(
            json!([{"role": "user", "content": "a"}, {"role": "assistant", "tool_calls": [call]}, {"role": "user", "content": "b"}]),
        )
    };
    for (model, request, param) in [
        (NEW, talk(json!([])), "messages"),
        (NEW, talk(json!("hi")), "messages"),
        (NEW, talk(json!([{"role": "system", "content": "s"}])), "messages"),
        (NEW, said(json!("")), "messages"),
        (NEW, said(Value::Null), "messages[0].content"),
        (NEW, said(json!([{"type": "text", "text": 5}])), "messages[0].content[0].text"),
        (NEW, said(json!([{"type": "hologram"}])), "messages[0].content[0].type"),
        (
            NEW,
            said(json!([{"type": "image_url", "image_url": {"url": "data:text/plain,a"}}])),
            "messages[0].content[0].image_url",
        ),
        (NEW, talk(json!([{"role": "wizard", "content": "a"}])), "messages[0].role"),
        (
            NEW,
            talk(json!([{"role": "user", "content": "a"}, {"role": "tool", "tool_call_id": "1", "content": "b"}])),
            "messages[1].tool_call_id",
        ),
        (NEW, called(call("1", "f", "{}")), "messages[1].tool_calls[0]"),
        (NEW, called(call("1", "f", "[]")), "messages[1].tool_calls[0].function.arguments"),
        (NEW, called(call("1", "f", "{")), "messages[1].tool_calls[0].function.arguments"),
        (
            "gemini-3.7-flash",
            talk(json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}])),
            "messages",
        ),
        (NEW, with(&json!({"stop": ["1", "2", "3", "4", "5", "6"]})), "stop"),
        (NEW, with(&json!({"n": 2})), "n"),
        (OLD, with(&json!({"n": 9})), "n"),
        (NEW, with(&json!({"max_tokens": "5"})), "max_tokens"),
        (NEW, with(&json!({"max_tokens": 0})), "max_tokens"),
        (NEW, with(&json!({"temperature": "warm"})), "temperature"),
        (NEW, with(&json!({"reasoning_effort": "some"})), "reasoning_effort"),
        (NEW, with(&json!({"tools": {}})), "tools"),
        (NEW, with(&json!({"tools": [{"type": "function", "function": {}}]})), "tools[0].function.name"),
        (NEW, with(&json!({"tools": [{"type": "custom"}]})), "tools[0].custom"),
        (NEW, with(&json!({"response_format": {"type": "grammar"}})), "response_format.type"),
        ("..", with(&json!({})), "model"),
        ("", with(&json!({})), "model"),
    ] {
        assert_eq!(refused(model, &request), param, "{request}");
    }
    for text in ["", "[]", "{", "nul"] {
        assert!(write_request(text, &target(NEW)).is_err(), "{text}");
    }
}

/// Whatever comes in, an answer comes out, and what is written is JSON.
#[test]
fn no_request_makes_it_panic() {
    let mut request = messages::signed(NEW);
    request[1]["content"] =
        json!([{"type": "text", "text": "Grüße, signed, tail"}, {"type": "refusal", "refusal": "é"}]);
    let parameters = json!({
        "messages": request, "stop": ["a"], "tools": [{"type": "function", "function": {"name": "f"}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}}, "reasoning": {"max_tokens": 7},
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"allOf": [{"$ref": "#/definitions/a"}]}}},
        "audio": {"voice": "v"}, "modalities": ["audio"], "extra_body": {"google": {"safety_settings": [{"a_b": 1}]}},
    });
    let text = with(&parameters).to_string();
    let bytes = text.as_bytes();
    for at in 0..bytes.len() {
        for byte in [None, Some(b'0'), Some(b'"'), Some(b'{'), Some(b']'), Some(b'n')] {
            let mut bytes = bytes.to_vec();
            match byte {
                Some(byte) => bytes[at] = byte,
                None => bytes.truncate(at),
            }
            let Ok(text) = String::from_utf8(bytes) else { continue };
            if let Ok(outgoing) = write_request(&text, &target(OLD)) {
                body(&outgoing);
            }
        }
    }
}

#[test]
fn the_id_of_a_model_stays_in_its_place() {
    for (model, stream, path) in [
        ("gemini-3-pro", false, "/v1beta/models/gemini-3-pro:generateContent"),
        ("models/gemini-3-pro", true, "/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse"),
        ("../x?key=a#b:c", false, "/v1beta/models/..%2Fx%3Fkey%3Da%23b%3Ac:generateContent"),
        ("gemini-é %", false, "/v1beta/models/gemini-%C3%A9%20%25:generateContent"),
    ] {
        let outgoing = write(model, &with(&json!({"stream": stream, "stream_options": {"include_usage": stream}})));
        assert_eq!((outgoing.path.as_str(), outgoing.back.include_usage), (path, stream));
        assert_eq!(outgoing.headers, []);
    }
}

#[test]
fn aihubmix_says_with_suffixes_what_others_say_with_parameters() {
    for (model, parameters, expected) in [
        ("gemini-2.5-flash-think", json!({}), json!({"includeThoughts": true})),
        ("gemini-2.5-flash-nothink", json!({}), json!({"thinkingBudget": 0})),
        (
            "gemini-2.5-flash-nothink",
            json!({"reasoning_effort": "low"}),
            json!({"includeThoughts": true, "thinkingBudget": 1024}),
        ),
        ("gemini-2.5-flash", json!({}), Value::Null),
    ] {
        let target = Target { is_aihubmix: true, ..target(model) };
        let outgoing = write_to(&target, &with(&parameters)).expect("it can be sent");
        assert_eq!(body(&outgoing)["generationConfig"]["thinkingConfig"], expected, "{model} {parameters}");
        assert_eq!(losses(&outgoing), []);
    }
}
