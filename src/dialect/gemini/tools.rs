//! Tools, and which of them the model may or must call.
//!
//! <https://ai.google.dev/gemini-api/docs/function-calling>

use super::request::{Request, camel, text_of, write_camel};
use super::schema::write_schema;
use crate::dialect::translate::{Action, is_neutral, is_string, name_of, path_of, refuse, said};
use crate::error::Error;
use crate::json::{Value, Writer};
use crate::text::concat;

/// The tools of Google's own that a request may name: <https://ai.google.dev/api/caching#Tool>.
const OWN: [&str; 8] = [
    "googleSearch",
    "googleSearchRetrieval",
    "enterpriseWebSearch",
    "urlContext",
    "codeExecution",
    "googleMaps",
    "fileSearch",
    "computerUse",
];

/// What the tools of a request come to.
#[derive(Default)]
struct Tools<'a> {
    functions: Writer,
    has_functions: bool,
    is_strict: bool,
    /// Those of Google's own: their names, what is said of them, and where.
    own: Vec<(String, Option<Value<'a>>, String)>,
}

/// Writes `tools` and `toolConfig`. Whether there are any.
pub fn write(out: &mut Writer, request: &mut Request<'_>) -> Result<bool, Error> {
    let mut tools = read(request)?;
    if let Some(options) = request.said("web_search_options") {
        request.lose_others(options, &[], "web_search_options");
        if !tools.own.iter().any(|(name, ..)| name == "googleSearch") {
            tools.own.push(("googleSearch".to_owned(), None, "web_search_options".to_owned()));
        }
    }
    if tools.has_functions && !request.family.mixes {
        for (_, _, path) in tools.own.drain(..) {
            request.lose(&path, Action::Dropped, "The model takes no tools of Google's beside functions.");
        }
    }
    let is_search_id = request.target.is_aihubmix && request.target.model.ends_with("-search");
    request.back.may_cite = !tools.own.is_empty() || is_search_id;
    if tools.has_functions || !tools.own.is_empty() {
        out.key("tools");
        out.begin_list();
        for (name, value, _) in &tools.own {
            out.begin_object();
            out.key(name);
            match value {
                Some(value) => write_camel(out, *value),
                None => out.raw("{}"),
            }
            out.end_object();
        }
        if tools.has_functions {
            out.begin_object();
            out.key("functionDeclarations");
            out.begin_list();
            out.raw(tools.functions.json());
            out.end_list();
            out.end_object();
        }
        out.end_list();
    }
    write_choice(out, request, &tools)?;
    Ok(tools.has_functions || !tools.own.is_empty())
}

fn read<'a>(request: &mut Request<'a>) -> Result<Tools<'a>, Error> {
    let mut tools = Tools::default();
    for (at, tool) in request.value.at("tools").items().enumerate() {
        let path = path_of("tools", at, "");
        let kind = text_of(tool.at("type"));
        match &*kind {
            // Many leave out the type of what can be nothing else.
            "function" | "" if tool.at("function").starts(b'{') => {
                request.lose_others(tool, &["type", "function"], &path);
                write_function(&mut tools, tool.at("function"), &concat(&[&path, ".function"]), request)?;
            }
            "custom" if tool.at("custom").starts(b'{') => {
                request.lose_others(tool, &["type", "custom"], &path);
                write_custom(&mut tools, tool.at("custom"), &concat(&[&path, ".custom"]), request)?;
            }
            // As OpenAI's Responses have them.
            "function" if said(tool, "name").is_some() => write_function(&mut tools, tool, &path, request)?,
            "custom" if said(tool, "name").is_some() => write_custom(&mut tools, tool, &path, request)?,
            "function" | "custom" => {
                return Err(refuse(&concat(&[&path, ".", &kind]), "It must be an object with the name of the tool."));
            }
            _ => {
                let mut known = tool.children().map(|member| (camel(&member.key().text()), member));
                let own = known.find(|(name, _)| OWN.contains(&name.as_str()));
                match own {
                    Some((name, value)) => {
                        request.lose_others(tool, &[&*value.key().text()], &path);
                        tools.own.push((name, Some(value).filter(|value| value.starts(b'{')), path));
                    }
                    None if tool.children().next().is_none() => {
                        return Err(refuse(&path, "It is no tool that OpenAI or Google knows."));
                    }
                    None => request.lose(&path, Action::Dropped, "Gemini has no such tool."),
                }
            }
        }
    }
    for (at, function) in request.value.at("functions").items().enumerate() {
        let path = path_of("functions", at, "");
        write_function(&mut tools, function, &path, request)?;
        request.lose(&path, Action::Emulated, "It is a tool now, and its calls come as `tool_calls`.");
    }
    Ok(tools)
}

fn write_name(out: &mut Writer, tool: Value<'_>, path: &str) -> Result<(), Error> {
    let name = tool.at("name");
    if !name.starts(b'"') || is_neutral(name) {
        return Err(refuse(&concat(&[path, ".name"]), "It must be the name of the tool."));
    }
    out.member_copy("name", name);
    Ok(())
}

fn write_function(tools: &mut Tools<'_>, tool: Value<'_>, path: &str, request: &mut Request<'_>) -> Result<(), Error> {
    request.lose_others(tool, &["type", "name", "description", "parameters", "strict"], path);
    let out = &mut tools.functions;
    out.begin_object();
    write_name(out, tool, path)?;
    if let Some(description) = said(tool, "description") {
        out.member_copy("description", description);
    }
    if let Some(parameters) = said(tool, "parameters").filter(|parameters| !is_neutral(*parameters)) {
        out.key("parametersJsonSchema");
        write_schema(out, parameters, &concat(&[path, ".parameters"]), &mut request.losses);
    }
    out.end_object();
    tools.has_functions = true;
    tools.is_strict |= tool.at("strict").bytes() == b"true";
    Ok(())
}

/// Writes a custom tool as a function of one text.
fn write_custom(tools: &mut Tools<'_>, tool: Value<'_>, path: &str, request: &mut Request<'_>) -> Result<(), Error> {
    request.lose_others(tool, &["type", "name", "description", "format"], path);
    let out = &mut tools.functions;
    out.begin_object();
    write_name(out, tool, path)?;
    let format = tool.at("format");
    let has_grammar = is_string(format.at("type"), "grammar");
    let description = said(tool, "description").filter(|text| text.starts(b'"'));
    if has_grammar {
        let reason = "Gemini keeps to no grammar; it is in the description.";
        request.lose(&concat(&[path, ".format"]), Action::Moved, reason);
    }
    if description.is_some() || has_grammar {
        out.key("description");
        out.begin_string();
        if let Some(description) = description {
            out.copy_text(description);
            out.push_text(if has_grammar { "\n\n" } else { "" });
        }
        if has_grammar {
            let grammar = format.get("grammar").unwrap_or(format);
            out.push_text("The input must fit this grammar (");
            out.copy_text(grammar.at("syntax"));
            out.push_text("):\n");
            out.copy_text(grammar.at("definition"));
        }
        out.end_string();
    }
    out.key("parametersJsonSchema");
    out.raw(r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}"#);
    out.end_object();
    tools.has_functions = true;
    request.back.customs.push(text_of(tool.at("name")).into_owned());
    Ok(())
}

/// Writes which functions may be called, where it is not any of them or none, as the model likes.
fn write_choice(out: &mut Writer, request: &mut Request<'_>, tools: &Tools<'_>) -> Result<(), Error> {
    let old = request.said("function_call");
    let (param, choice) = match request.said("tool_choice") {
        Some(choice) => {
            if old.is_some() {
                request.lose("function_call", Action::Dropped, "`tool_choice` says it already.");
            }
            ("tool_choice", Some(choice))
        }
        None => ("function_call", old),
    };
    let is_serial = request.value.at("parallel_tool_calls").bytes() == b"false";
    if is_serial && tools.has_functions {
        let reason = "Gemini may always call several functions at once.";
        request.lose("parallel_tool_calls", Action::Dropped, reason);
    }
    let word = choice.map(text_of).unwrap_or_default();
    if !tools.has_functions {
        // As AIHubMix does; what says no more than that there are no functions is not even lost.
        if choice.is_some_and(|choice| !is_neutral(choice)) && !matches!(&*word, "auto" | "none") {
            request.lose(param, Action::Dropped, "There are no functions to choose from.");
        }
        return Ok(());
    }
    let mixes = !tools.own.is_empty();
    // Where Google's own tools are beside functions, calls are always checked.
    let free = if tools.is_strict || mixes { "VALIDATED" } else { "AUTO" };
    let mut names = Vec::new();
    let mode = match (&*word, choice.filter(|choice| choice.starts(b'{'))) {
        ("", None) if !tools.is_strict && !mixes => return Ok(()),
        ("" | "auto", None) => free,
        ("validated", None) => "VALIDATED",
        ("required" | "any", None) => "ANY",
        ("none", None) => "NONE",
        (_, None) => return Err(refuse(param, "It must be none, auto, required, or an object.")),
        (_, Some(choice)) if is_string(choice.at("type"), "allowed_tools") => {
            let allowed = choice.get("allowed_tools").unwrap_or(choice);
            for (at, tool) in allowed.at("tools").items().enumerate() {
                match chosen_name(tool) {
                    Some(name) => names.push(name),
                    None => {
                        let path = path_of("tool_choice.allowed_tools.tools", at, "");
                        request.lose(&path, Action::Dropped, "Gemini lets functions alone be chosen.");
                    }
                }
            }
            // Names are taken with these two modes only.
            match () {
                () if names.is_empty() => "NONE",
                () if is_string(allowed.at("mode"), "required") => "ANY",
                () => "VALIDATED",
            }
        }
        (_, Some(choice)) => {
            let name = chosen_name(choice);
            names.push(name.ok_or_else(|| refuse(param, "It must have the name of a function."))?);
            "ANY"
        }
    };
    out.key("toolConfig");
    out.begin_object();
    out.key("functionCallingConfig");
    out.begin_object();
    out.member("mode", mode);
    if !names.is_empty() {
        out.key("allowedFunctionNames");
        out.begin_list();
        for name in names {
            out.copy(name);
        }
        out.end_list();
    }
    out.end_object();
    // Google's own API wants to be asked for it: <https://ai.google.dev/gemini-api/docs/tool-combination>.
    if mixes && !request.target.is_aihubmix {
        out.member_raw("includeServerSideToolInvocations", "true");
    }
    out.end_object();
    Ok(())
}

/// The name of the tool that a choice names.
fn chosen_name(choice: Value<'_>) -> Option<Value<'_>> {
    Some(name_of(choice)).filter(|name| name.starts(b'"') && !is_neutral(*name))
}
