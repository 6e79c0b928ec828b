//! What an answer says, whole and streamed.

use super::*;

#[test]
fn an_answer_has_its_id_its_model_one_time_and_its_text() {
    let body = answer(json!([{"text": "Hel"}, {"text": "lo \u{1f600}\n"}]), "STOP");
    let completion = whole(&body, &back());
    let expected = json!({
        "id": "r1",
        "object": "chat.completion",
        "created": CREATED,
        "model": "gemini-3-pro-preview",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": "Hello \u{1f600}\n", "refusal": null},
            "finish_reason": "stop",
            "native_finish_reason": "STOP",
        }],
        "usage": {
            "prompt_tokens": 5,
            "completion_tokens": 7,
            "total_tokens": 12,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
    });
    assert_eq!(completion, expected);
    assert_eq!(put_together(&events_of(&body), &back()), expected);
}

#[test]
fn each_chunk_is_one_of_openai() {
    let (chunks, step) = stream(&events_of(&answer(json!([{"text": "Hello"}]), "STOP")), &back());
    assert_eq!(step, Step::Finished);
    let chunk = |choices: Value, usage: Value| {
        json!({
            "id": "r1", "object": "chat.completion.chunk", "created": CREATED, "model": "gemini-3-pro-preview",
            "choices": choices, "usage": usage,
        })
    };
    let usage = json!({
        "prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12,
        "prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0},
    });
    let delta = |delta: Value| json!([{"index": 0, "delta": delta, "finish_reason": null}]);
    let first = json!({"role": "assistant", "refusal": null, "content": "He"});
    let end = json!([{"index": 0, "delta": {}, "finish_reason": "stop", "native_finish_reason": "STOP"}]);
    let expected = [
        chunk(delta(first), Value::Null),
        chunk(delta(json!({"content": "llo"})), Value::Null),
        chunk(end, Value::Null),
        chunk(json!([]), usage),
    ];
    assert_eq!(chunks, expected);
}

#[test]
fn usage_is_told_to_whom_has_asked() {
    let silent = WayBack { include_usage: false, ..back() };
    let (chunks, _) = stream(&events_of(&answer(json!([{"text": "Hello"}]), "STOP")), &silent);
    assert!(chunks.iter().all(|chunk| chunk.get("usage").is_none()), "{chunks:?}");
    // A whole answer has it always.
    assert_eq!(whole(&answer(json!([{"text": "x"}]), "STOP"), &silent)["usage"]["total_tokens"], 12);
}

#[test]
fn names_that_are_missing_are_made_up() {
    let body = json!({"candidates": [{"content": {"parts": [function_call("f", json!({}))]}, "finishReason": "STOP"}]});
    let completion = whole(&body, &back());
    assert_eq!(completion["id"], "chatcmpl-1700000000");
    assert_eq!(completion["model"], "gemini-3-pro");
    assert_eq!(completion["choices"][0]["message"]["tool_calls"][0]["id"], "call_1700000000_0");
    assert!(completion.get("usage").is_none());
}

/// A row for each thing that parts can say: the parts, and what the message has besides its role and its refusal.
#[test]
fn parts_become_members_of_the_message() {
    let tag = |mut item: Value, index: u32| {
        item["format"] = "google-gemini-v1".into();
        item["model"] = "gemini-3-pro".into();
        item["index"] = index.into();
        item
    };
    let after = |mut item: Value, position: Value| {
        item["after"] = position;
        item
    };
    let thought = |text: &str, index| tag(json!({"type": "reasoning.text", "text": text}), index);
    let signature = |data: &str, bytes: u32, index| {
        tag(json!({"type": "reasoning.encrypted", "data": data, "text_bytes": bytes}), index)
    };
    let call = |id: &str, name: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
    let signed = |mut call: Value, signature: &str| {
        call["extra_content"] = json!({"google": {"thought_signature": signature, "model": "gemini-3-pro"}});
        call
    };
    let code = json!({"executableCode": {"language": "PYTHON", "code": "print(1)"}, "thoughtSignature": "S"});
    let result = json!({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}});
    let audio = json!({"inlineData": {"mimeType": "audio/L16;rate=24000", "data": "AAAA"}});
    let server = |part: &Value, index| tag(json!({"type": "reasoning.server_tool_call", "part": part}), index);
    let image = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
    let png = json!({"inlineData": {"mimeType": "image/png", "data": "iVBO"}});
    let signed_png = json!({"inlineData": {"mimeType": "image/png", "data": "iVBP"}, "thoughtSignature": "P"});

    let rows = [
        ("nothing", json!([]), json!({"content": ""})),
        ("an empty text", json!([{"text": ""}]), json!({"content": ""})),
        (
            "thoughts and a text",
            json!([{"text": "Let me", "thought": true}, {"text": " see", "thought": true}, {"text": "4"}]),
            json!({"content": "4", "reasoning_content": "Let me see", "reasoning_details": [thought("Let me see", 0)]}),
        ),
        (
            "a thought with a signature, and another",
            json!([{"text": "a", "thought": true, "thoughtSignature": "S"}, {"text": "b", "thought": true}, {"text": "c"}]),
            json!({
                "content": "c",
                "reasoning_content": "ab",
                "reasoning_details": [
                    tag(json!({"type": "reasoning.text", "text": "a", "signature": "S"}), 0),
                    thought("b", 1),
                ],
            }),
        ),
        (
            "a thought that is a signature alone",
            json!([{"text": "", "thought": true, "thoughtSignature": "S"}, {"text": "c"}]),
            json!({
                "content": "c",
                "reasoning_details": [tag(json!({"type": "reasoning.text", "text": "", "signature": "S"}), 0)],
            }),
        ),
        (
            "a text with a signature, between others",
            json!([{"text": "a"}, {"text": "b\u{e9}", "thoughtSignature": "S=="}, {"text": "d"}]),
            json!({
                "content": "ab\u{e9}d",
                "reasoning_details": [after(signature("S==", 3, 0), json!({"text_bytes": 1}))],
            }),
        ),
        (
            "a signature at the end",
            json!([{"text": "ab"}, {"text": "", "thoughtSignature": "S"}]),
            json!({"content": "ab", "reasoning_details": [after(signature("S", 0, 0), json!({"text_bytes": 2}))]}),
        ),
        (
            "a signature without a text",
            json!([{"text": "ab"}, {"thoughtSignature": "S"}]),
            json!({"content": "ab", "reasoning_details": [after(signature("S", 0, 0), json!({"text_bytes": 2}))]}),
        ),
        (
            "a text after a picture and a call",
            json!([png, {"text": "\u{e9}"}, {"functionCall": {"name": "f", "args": {}}}, {"text": "b"}, {"text": "c"}]),
            json!({
                "content": "\u{e9}bc",
                "images": [image("data:image/png;base64,iVBO")],
                "tool_calls": [call("call_r1_0", "f", "{}")],
                "reasoning_details": [
                    after(thought("", 0), json!({"images": 1})),
                    after(thought("", 1), json!({"text_bytes": 2, "images": 1, "calls": 1})),
                ],
            }),
        ),
        (
            "calls, of which the first is signed",
            json!([
                {"functionCall": {"name": "f", "args": {"a": [1, "x\"y"]}}, "thoughtSignature": "S"},
                {"functionCall": {"name": "g", "id": "own-1", "args": {}}},
                {"functionCall": {"name": "f"}},
            ]),
            json!({
                "content": null,
                "tool_calls": [
                    signed(call("call_r1_0", "f", "{\"a\":[1,\"x\\\"y\"]}"), "S"),
                    call("own-1", "g", "{}"),
                    call("call_r1_2", "f", "{}"),
                ],
            }),
        ),
        (
            "a text and a call",
            json!([{"text": "a"}, {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "S"}]),
            json!({"content": "a", "tool_calls": [signed(call("call_r1_0", "f", "{}"), "S")]}),
        ),
        (
            "pictures",
            json!([{"text": "a"}, png, signed_png]),
            json!({
                "content": "a",
                "images": [image("data:image/png;base64,iVBO"), image("data:image/png;base64,iVBP")],
                "reasoning_details": [after(
                    tag(json!({"type": "reasoning.encrypted", "data": "P", "image": 1}), 0),
                    json!({"text_bytes": 1, "images": 1}),
                )],
            }),
        ),
        (
            "members that are null, and one that nobody knows",
            json!([
                {"text": "a", "functionCall": null, "inlineData": null, "thoughtSignature": null},
                {"text": null},
                {"text": "b", "partMetadata": {"x": 1}},
            ]),
            json!({"content": "ab"}),
        ),
        (
            "code and what it printed, and audio",
            json!([code, result, {"text": "a"}, audio]),
            json!({
                "content": "a",
                "reasoning_details": [
                    server(&code, 0),
                    server(&result, 1),
                    after(server(&audio, 2), json!({"text_bytes": 1})),
                ],
            }),
        ),
    ];
    for (name, parts, mut expected) in rows {
        expected["role"] = "assistant".into();
        expected["refusal"] = Value::Null;
        assert_eq!(message_of(parts), expected, "{name}");
    }
}

#[test]
fn candidates_are_choices() {
    let candidate = |index: u32, parts: Value| json!({"index": index, "content": {"role": "model", "parts": parts}, "finishReason": "STOP"});
    let mut body = answer(json!([]), "STOP");
    body["candidates"] = json!([
        candidate(0, json!([{"text": "one"}])),
        candidate(1, json!([function_call("f", json!({}))])),
        candidate(2, json!([{"text": "three"}])),
    ]);
    let completion = whole(&body, &back());
    assert_eq!(completion, put_together(&events_of(&body), &back()));
    assert_eq!(completion, put_together(std::slice::from_ref(&body), &back()));
    let choices = completion["choices"].as_array().expect("a list");
    let reasons: Vec<_> = choices.iter().map(|choice| choice["finish_reason"].as_str().expect("a text")).collect();
    assert_eq!(reasons, ["stop", "tool_calls", "stop"]);
    assert_eq!(choices[1]["message"]["tool_calls"][0]["id"], "call_r1_1_0");
    assert_eq!(choices[2]["message"]["content"], "three");
}

#[test]
fn what_an_answer_rests_on_is_annotated() {
    let mut body = answer(json!([{"text": "\u{1f600} is a face. So it is."}]), "STOP");
    let grounding = json!({
        "webSearchQueries": ["face"],
        "searchEntryPoint": {"renderedContent": "<div>"},
        "groundingChunks": [
            {"web": {"uri": "https://a.example", "title": "a"}},
            {"retrievedContext": {"uri": "https://b.example"}},
            {"web": {"uri": "https://c.example", "title": "c"}},
        ],
        "groundingSupports": [
            {"segment": {"endIndex": 16, "text": "\u{1f600} is a face."}, "groundingChunkIndices": [0, 1, 99]},
        ],
    });
    body["candidates"][0]["groundingMetadata"] = grounding.clone();
    body["candidates"][0]["citationMetadata"] = json!({
        "citationSources": [{"startIndex": 17, "endIndex": 25, "uri": "https://d.example", "license": "mit"}],
    });
    let completion = whole(&body, &back());
    assert_eq!(completion, put_together(&events_of(&body), &back()));
    let citation = |start: u32, end: u32, title: &str, url: &str| {
        let citation = json!({"start_index": start, "end_index": end, "title": title, "url": url});
        json!({"type": "url_citation", "url_citation": citation})
    };
    let expected = json!([
        citation(0, 14, "a", "https://a.example"),
        citation(0, 14, "", "https://b.example"),
        citation(0, 0, "c", "https://c.example"),
        citation(15, 23, "", "https://d.example"),
    ]);
    assert_eq!(completion["choices"][0]["message"]["annotations"], expected);
    let kept = &completion["choices"][0]["extra_content"]["google"];
    assert_eq!(kept["groundingMetadata"], grounding);
    assert_eq!(kept["citationMetadata"]["citationSources"][0]["license"], "mit");

    // An empty one at the end takes nothing back.
    let mut end = answer(json!([]), "STOP");
    end["candidates"][0]["groundingMetadata"] = json!({});
    let completion = put_together(&[body, end], &back());
    assert_eq!(completion["choices"][0]["message"]["annotations"], expected);
}

#[test]
fn places_are_counted_in_the_part_that_is_named() {
    let parts = json!([
        {"text": "hm", "thought": true},
        {"text": "\u{e9}a. "},
        {"executableCode": {"code": "1"}},
        {"text": "\u{e9}b. c."},
    ]);
    let mut body = answer(parts, "STOP");
    let segment = |part: Value, start: u32, end: u32| json!({"segment": {"partIndex": part, "startIndex": start, "endIndex": end}, "groundingChunkIndices": [0]});
    body["candidates"][0]["groundingMetadata"] = json!({
        "groundingChunks": [{"web": {"uri": "https://a.example", "title": "a"}}],
        "groundingSupports": [segment(json!(1), 0, 4), segment(json!(3), 0, 4), segment(json!(3), 5, 7), segment(Value::Null, 0, 2), segment(json!(9), 2, 3)],
    });
    let completion = whole(&body, &back());
    assert_eq!(completion, put_together(&events_of(&body), &back()));
    let annotations = completion["choices"][0]["message"]["annotations"].as_array().expect("a list").clone();
    let place = |annotation: &Value| {
        ["start_index", "end_index"].map(|name| annotation["url_citation"][name].as_u64().expect("a number"))
    };
    let places: Vec<_> = annotations.iter().map(place).collect();
    assert_eq!(places, [[0, 3], [4, 7], [8, 10], [0, 1], [1, 2]]);
}

#[test]
fn logprobs_are_those_of_openai() {
    let mut body = answer(json!([{"text": "Hi"}]), "STOP");
    let token = |token: &str, logprob: Value| json!({"token": token, "tokenId": 1, "logProbability": logprob});
    body["candidates"][0]["logprobsResult"] = json!({
        "chosenCandidates": [token("H", json!(-0.5)), {"token": "i"}],
        "topCandidates": [{"candidates": [token("H", json!(-0.5)), token("Y", json!("-Infinity"))]}, {"candidates": []}],
    });
    let completion = whole(&body, &back());
    assert_eq!(completion, put_together(std::slice::from_ref(&body), &back()));
    let expected = json!({
        "content": [
            {
                "token": "H", "logprob": -0.5, "bytes": null,
                "top_logprobs": [
                    {"token": "H", "logprob": -0.5, "bytes": null},
                    {"token": "Y", "logprob": -9999.0, "bytes": null},
                ],
            },
            {"token": "i", "logprob": 0, "bytes": null, "top_logprobs": []},
        ],
        "refusal": null,
    });
    assert_eq!(completion["choices"][0]["logprobs"], expected);
}

#[test]
fn usage_counts_thoughts_and_what_tools_have_read() {
    let mut body = answer(json!([{"text": "a"}]), "STOP");
    body["usageMetadata"] = json!({
        "promptTokenCount": 100, "cachedContentTokenCount": 60, "toolUsePromptTokenCount": 11,
        "candidatesTokenCount": 20, "thoughtsTokenCount": 30, "totalTokenCount": 161, "serviceTier": "flex",
    });
    let completion = whole(&body, &back());
    let expected = json!({
        "prompt_tokens": 111, "completion_tokens": 50, "total_tokens": 161,
        "prompt_tokens_details": {"cached_tokens": 60}, "completion_tokens_details": {"reasoning_tokens": 30},
    });
    assert_eq!((&completion["usage"], &completion["service_tier"]), (&expected, &json!("flex")));
    assert_eq!(completion, put_together(&events_of(&body), &back()));

    // The last counts are those of the whole answer, also where nothing else of an event is read.
    let early = answer(json!([{"text": "a"}]), "STOP");
    let mut reader = Events::new(back(), CREATED);
    let mut out = Writer::default();
    assert_eq!(reader.read_event("", &early.to_string(), &mut out), Ok(Step::Going));
    let revision = reader.revision();
    reader.read_usage(&body.to_string());
    reader.read_usage("{");
    assert_eq!(reader.revision(), revision);
    out.clear();
    assert_eq!(reader.finish(&mut out), Step::Finished);
    let last: Value = serde_json::from_str(out.texts().last().expect("the usage")).expect("a chunk is JSON");
    assert_eq!(last["usage"], expected);
}
