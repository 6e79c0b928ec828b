//! The recorded answers of the shared fixtures, which are not part of this repository.

use super::*;

fn load(file: &str) -> String {
    let folder = std::env::var_os("CHATMUX_FIXTURES").expect("set CHATMUX_FIXTURES to the folder of index.json");
    let path = std::path::PathBuf::from(folder).join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The recorded answers: their names, their statuses, and their events, or the one body.
fn items() -> Vec<(String, u16, bool, Vec<Value>)> {
    let index: Value = serde_json::from_str(&load("index.json")).expect("the index is JSON");
    let items = index.as_array().expect("the index is a list").iter().filter(|item| item["dialect"] == "gemini");
    let read = items.map(|item| {
        let file = item["file"].as_str().expect("a file has a name");
        let status = item["status"].as_u64().map_or(200, |status| u16::try_from(status).expect("a status"));
        let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let (is_stream, events) = if item["kind"] == "chunks" {
            (true, load(file).lines().filter(|line| !line.trim().is_empty()).map(parse).collect())
        } else if item["kind"] == "body" {
            (false, vec![parse(&load(file))])
        } else if item["stream"] == true {
            let text = load(&[file, ".response.sse"].concat());
            (true, text.lines().filter_map(|line| line.strip_prefix("data: ")).map(parse).collect())
        } else {
            (false, vec![parse(&load(&[file, ".response.json"].concat()))])
        };
        (file.to_owned(), status, is_stream, events)
    });
    read.collect()
}

/// The arguments of the calls of a completion, by name.
fn calls_of(completion: &Value) -> Vec<(String, Value)> {
    let calls = completion["choices"][0]["message"]["tool_calls"].as_array().expect("there are calls");
    let read = calls.iter().map(|call| {
        let arguments = call["function"]["arguments"].as_str().expect("a text");
        let name = call["function"]["name"].as_str().expect("a text").to_owned();
        (name, serde_json::from_str(arguments).expect("the arguments are JSON"))
    });
    read.collect()
}

#[test]
fn every_recording_decodes() {
    let items = items();
    assert!(items.len() >= 28, "{} recordings were found", items.len());
    let (mut streams, mut bodies, mut errors) = (0, 0, 0);
    for (name, status, is_stream, events) in items {
        if is_stream {
            let list = Value::Array(events.clone());
            assert_eq!(whole(&list, &back()), put_together(&events, &back()), "{name}");
            streams += 1;
            continue;
        }
        let body = &events[0];
        if body["error"].is_object() {
            let error = read_error(&body.to_string(), status).expect("the body has an error");
            assert_eq!(error.message, body["error"]["message"], "{name}");
            assert_eq!(error.status.map(u64::from), body["error"]["code"].as_u64(), "{name}");
            errors += 1;
            continue;
        }
        assert_eq!(whole(body, &back()), put_together(&events_of(body), &back()), "{name}");
        assert_eq!(whole(body, &back()), put_together(std::slice::from_ref(body), &back()), "{name}");
        bodies += 1;
    }
    assert!(streams >= 11 && bodies >= 15 && errors >= 2, "{streams} streams, {bodies} bodies, {errors} errors");
}

/// As a plain reading has it: nothing of what the parts say is missing, and nothing is there twice.
#[test]
fn nothing_is_lost_of_a_recording() {
    for (name, _, _, events) in items() {
        if events[0]["error"].is_object() {
            continue;
        }
        let completion = put_together(&events, &back());
        let message = &completion["choices"][0]["message"];
        let parts =
            events.iter().flat_map(|event| event["candidates"][0]["content"]["parts"].as_array().into_iter().flatten());
        let (mut text, mut thoughts, mut signatures) = (String::new(), String::new(), Vec::new());
        for part in parts {
            let is_thought = part["thought"] == true;
            if is_thought { &mut thoughts } else { &mut text }.push_str(part["text"].as_str().unwrap_or(""));
            signatures.extend(part["thoughtSignature"].as_str().map(str::to_owned));
        }
        assert_eq!(message["content"].as_str().unwrap_or(""), text, "{name}");
        assert_eq!(message["reasoning_content"].as_str().unwrap_or(""), thoughts, "{name}");
        let told = message.to_string();
        assert!(signatures.iter().all(|signature| told.contains(signature.as_str())), "{name}");
        let usage = events.iter().rev().map(|event| &event["usageMetadata"]).find(|it| it["totalTokenCount"].is_u64());
        if let Some(usage) = usage {
            assert_eq!(completion["usage"]["total_tokens"], usage["totalTokenCount"], "{name}");
        }
    }
}

#[test]
fn arguments_that_were_recorded_in_parts_are_put_together() {
    let items = items();
    let of = |name: &str| {
        let (.., events) = items.iter().find(|(file, ..)| file.ends_with(name)).expect("the recording is there");
        put_together(events, &back())
    };
    let weather = |place: &str| ("getWeather".to_owned(), json!({"location": place}));
    let expected = [weather("Boston"), weather("San Francisco")];
    assert_eq!(calls_of(&of("google-stream-tool-call-arguments.chunks.txt")), expected);
    let screen = |id: &str| ("read_screen".to_owned(), json!({"id": id}));
    let expected = [("read_theme".to_owned(), json!({})), screen("A"), screen("B"), screen("C")];
    assert_eq!(calls_of(&of("google-stream-no-args-tool-call.chunks.txt")), expected);
}
