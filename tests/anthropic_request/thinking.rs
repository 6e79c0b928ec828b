//! How much is thought and written, and how freely.

use chatmux::dialect::anthropic::write_request;
use chatmux::dialect::translate::Target;
use serde_json::{Value, json};

use super::{
    BUDGET, EITHER, NEWEST, OLDER, OLDEST, asking, body, call, check, check_refused, losses, outgoing, target,
};

#[test]
fn an_answer_is_as_long_as_the_model_gives_where_nobody_says() {
    let limit = |model: &str, members: Value| {
        let mut request = asking(members);
        request.as_object_mut().expect("members").retain(|name, value| name != "max_tokens" || *value != 100);
        let outgoing = outgoing(model, &request);
        (body(&outgoing)["max_tokens"].as_u64().expect("a number"), losses(&outgoing))
    };
    let assumed = || vec!["max_tokens assumed".to_owned()];
    for (model, most) in [
        (NEWEST, 128_000),
        (EITHER, 128_000),
        (BUDGET, 64_000),
        ("claude-opus-4-1", 32_000),
        (OLDER, 64_000),
        ("anthropic/claude-opus-4.1", 32_000),
        ("claude-sonnet-4", 64_000),
        ("claude-opus-4@20250514", 32_000),
        ("claude-2.1", 4096),
        (OLDEST, 4096),
    ] {
        assert_eq!(limit(model, json!({})), (most, assumed()));
    }
    let clamped = vec!["max_tokens clamped".to_owned()];
    assert_eq!(limit(OLDEST, json!({"max_tokens": 5000})), (4096, clamped));
    check_refused(NEWEST, json!({"max_tokens": 0}), "max_tokens");
    assert_eq!(
        limit(NEWEST, json!({"max_tokens": 7, "max_completion_tokens": 8})),
        (8, vec!["max_tokens dropped".to_owned()])
    );
    let both = vec!["model assumed".to_owned(), "max_tokens assumed".to_owned()];
    assert_eq!(limit("claude-next-9", json!({})), (128_000, both));
    assert_eq!(limit("claude-next-9", json!({"max_tokens": 900_000})), (900_000, vec!["model assumed".to_owned()]));
    check_refused(NEWEST, json!({"max_tokens": 1.5}), "max_tokens");
}

#[test]
fn sampling_is_what_the_model_takes() {
    let sampling =
        |temperature: Value, top_p: Value| json!({"temperature": temperature, "top_p": top_p, "top_k": null});
    check(BUDGET, json!({"temperature": 0.7}), sampling(json!(0.7), json!(null)), &[]);
    check(BUDGET, json!({"temperature": 1.7}), sampling(json!(1), json!(null)), &["temperature clamped"]);
    check(BUDGET, json!({"temperature": -1}), sampling(json!(0), json!(null)), &["temperature clamped"]);
    check(BUDGET, json!({"temperature": 0}), sampling(json!(0), json!(null)), &[]);
    check(BUDGET, json!({"temperature": 1e-1}), sampling(json!(0.1), json!(null)), &[]);
    check(BUDGET, json!({"temperature": 0.5, "top_p": 0.9}), sampling(json!(0.5), json!(null)), &["top_p dropped"]);
    check(BUDGET, json!({"temperature": 1.0, "top_p": 0.9}), sampling(json!(null), json!(0.9)), &[]);
    check(BUDGET, json!({"top_k": 5}), json!({"top_k": 5}), &[]);
    let all = json!({"temperature": 0.5, "top_p": 0.9, "top_k": 5});
    let lost = ["temperature dropped", "top_p dropped", "top_k dropped"];
    check(NEWEST, all.clone(), sampling(json!(null), json!(null)), &lost);
    check(NEWEST, json!({"temperature": 1, "top_p": 1}), sampling(json!(null), json!(null)), &[]);
    let mut thinking = all;
    thinking["reasoning_effort"] = json!("low");
    check(EITHER, thinking, sampling(json!(null), json!(null)), &lost);
}

#[test]
fn every_switch_of_reasoning_is_one_of_thinking() {
    let adaptive = |effort: &str| json!({"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": effort}});
    for (asked, newest, either) in
        [("low", "low", "low"), ("medium", "medium", "medium"), ("high", "high", "high"), ("max", "max", "max")]
    {
        check(NEWEST, json!({"reasoning_effort": asked}), adaptive(newest), &[]);
        check(EITHER, json!({"reasoning": {"effort": asked}}), adaptive(either), &[]);
    }
    check(NEWEST, json!({"reasoning_effort": "xhigh"}), adaptive("xhigh"), &[]);
    check(EITHER, json!({"reasoning_effort": "xhigh"}), adaptive("max"), &["reasoning_effort clamped"]);
    check(NEWEST, json!({"reasoning_effort": "minimal"}), adaptive("low"), &["reasoning_effort clamped"]);
    for (asked, budget) in [("minimal", 1024), ("low", 2048), ("medium", 8192), ("high", 16_384), ("xhigh", 32_768)] {
        check(
            BUDGET,
            json!({"reasoning_effort": asked}),
            json!({"thinking": {"type": "enabled", "budget_tokens": budget}, "max_tokens": budget + 100, "output_config": null}),
            &["max_tokens assumed"],
        );
    }
    for model in [NEWEST, EITHER, BUDGET] {
        check(
            model,
            json!({"reasoning_effort": "none"}),
            json!({"thinking": {"type": "disabled"}, "output_config": null}),
            &[],
        );
        check(model, json!({}), json!({"thinking": null, "output_config": null}), &[]);
    }
    check(OLDEST, json!({"reasoning_effort": "low"}), json!({"thinking": null}), &["reasoning_effort dropped"]);
    check(OLDEST, json!({"reasoning_effort": "none"}), json!({"thinking": null}), &[]);
    check_refused(NEWEST, json!({"reasoning_effort": "much"}), "reasoning_effort");
    let most = json!({"thinking": {"type": "enabled", "budget_tokens": 32_768}});
    check(BUDGET, json!({"reasoning_effort": "max"}), most, &["max_tokens assumed"]);
    for (tokens, effort) in [(1, "low"), (5000, "low"), (6000, "medium"), (13_000, "high"), (30_000, "xhigh")] {
        let lost = ["reasoning.max_tokens emulated"];
        check(NEWEST, json!({"reasoning": {"max_tokens": tokens}}), adaptive(effort), &lost);
    }

    let budget =
        |tokens: u64| json!({"thinking": {"type": "enabled", "budget_tokens": tokens}, "max_tokens": tokens + 100});
    check(EITHER, json!({"reasoning": {"max_tokens": 3000}}), budget(3000), &["max_tokens assumed"]);
    check(
        BUDGET,
        json!({"reasoning": {"max_tokens": 10}}),
        budget(1024),
        &["reasoning.max_tokens clamped", "max_tokens assumed"],
    );
    check(NEWEST, json!({"reasoning": {"max_tokens": 9000}}), adaptive("medium"), &["reasoning.max_tokens emulated"]);
    check(NEWEST, json!({"reasoning": {"max_tokens": 0}}), json!({"thinking": {"type": "disabled"}}), &[]);
    check(
        NEWEST,
        json!({"reasoning": {"effort": "low", "display": "omitted"}}),
        json!({"thinking": {"type": "adaptive", "display": "omitted"}}),
        &[],
    );
    check(
        NEWEST,
        json!({"reasoning": {"enabled": true, "exclude": true}}),
        json!({"thinking": {"type": "adaptive", "display": "omitted"}}),
        &[],
    );
    check(NEWEST, json!({"reasoning": {"enabled": true, "effort": "low"}}), adaptive("low"), &[]);
    check(NEWEST, json!({"reasoning": {"enabled": false}}), json!({"thinking": {"type": "disabled"}}), &[]);
    check(
        NEWEST,
        json!({"reasoning": {"effort": "low", "summary": "auto"}}),
        adaptive("low"),
        &["reasoning.summary dropped"],
    );
}

#[test]
fn one_switch_comes_before_the_other() {
    let adaptive = |effort: &str| json!({"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": effort}});
    check(
        NEWEST,
        json!({"reasoning_effort": "low", "reasoning": {"max_tokens": 9000, "effort": "high"}}),
        adaptive("low"),
        &["reasoning.max_tokens dropped", "reasoning.effort dropped"],
    );
    check(
        EITHER,
        json!({"reasoning": {"max_tokens": 2000, "effort": "high"}}),
        json!({"thinking": {"type": "enabled", "budget_tokens": 2000}}),
        &["reasoning.effort dropped", "max_tokens assumed"],
    );
    check(NEWEST, json!({"reasoning_effort": "low", "reasoning": {"effort": "low"}}), adaptive("low"), &[]);
    let think = |is_aihubmix: bool, members: Value| {
        let target = Target { is_aihubmix, ..target("claude-opus-5-think") };
        let outgoing = write_request(&asking(members).to_string(), &target).expect("a request");
        let body = body(&outgoing);
        (body["model"].clone(), body["thinking"]["type"].clone())
    };
    assert_eq!(think(false, json!({})), (json!("claude-opus-5"), json!("adaptive")));
    assert_eq!(think(true, json!({})), (json!("claude-opus-5-think"), json!("adaptive")));
    assert_eq!(think(true, json!({"reasoning_effort": "none"})), (json!("claude-opus-5-think"), json!("disabled")));
}

#[test]
fn thinking_in_anthropics_own_words_is_sent_as_it_is() {
    let own = json!({"type": "enabled", "budget_tokens": 2000, "display": "omitted"});
    check(BUDGET, json!({"thinking": own, "max_tokens": 5000}), json!({"thinking": own, "max_tokens": 5000}), &[]);
    check(
        BUDGET,
        json!({"thinking": own, "max_tokens": 50}),
        json!({"thinking": own, "max_tokens": 2050}),
        &["max_tokens emulated"],
    );
    check(
        BUDGET,
        json!({"thinking": own, "max_tokens": 5000, "reasoning_effort": "low"}),
        json!({"thinking": own}),
        &["reasoning_effort dropped"],
    );
    let adaptive = json!({"type": "adaptive"});
    check(
        NEWEST,
        json!({"thinking": adaptive, "reasoning_effort": "high", "output_config": {"task_budget": 5}}),
        json!({"thinking": adaptive, "output_config": {"task_budget": 5, "effort": "high"}}),
        &[],
    );
    check(
        NEWEST,
        json!({"thinking": {"type": "disabled"}, "reasoning_effort": "max", "output_config": {"effort": "low"}}),
        json!({"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}}),
        &["output_config.effort dropped", "reasoning_effort clamped"],
    );
    check(
        NEWEST,
        json!({"reasoning_effort": "none", "output_config": {"effort": "max"}}),
        json!({"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}}),
        &["output_config.effort clamped"],
    );
}

#[test]
fn a_budget_leaves_room_for_an_answer() {
    check(
        "claude-opus-4-1",
        json!({"reasoning_effort": "xhigh"}),
        json!({"max_tokens": 32_000, "thinking": {"type": "enabled", "budget_tokens": 24_000}}),
        &["max_tokens assumed", "max_tokens clamped", "reasoning_effort clamped"],
    );
}

#[test]
fn a_model_thinks_on_only_where_its_thoughts_are_there() {
    let messages = |details: Value| {
        json!({"reasoning_effort": "low", "messages": [
            {"role": "user", "content": "x"},
            {"role": "assistant", "tool_calls": [call("a", "w", "{}")], "reasoning_details": details},
            {"role": "tool", "tool_call_id": "a", "content": "sun"},
        ]})
    };
    check(BUDGET, messages(json!([])), json!({"thinking": null, "max_tokens": 100}), &["reasoning_effort dropped"]);
    let own = json!([{"type": "reasoning.text", "text": "t", "signature": "s", "format": "anthropic-claude-v1", "model": BUDGET}]);
    check(BUDGET, messages(own), json!({"max_tokens": 2148}), &["max_tokens assumed"]);
    check(NEWEST, messages(json!([])), json!({"thinking": {"type": "adaptive", "display": "summarized"}}), &[]);
}
