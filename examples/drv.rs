use chatmux::dialect::{Dialect, translate::Target};
use std::io::{BufRead, Write};
fn main() {
    let stdin = std::io::stdin();
    let out = std::io::stdout();
    let mut out = out.lock();
    let strict = std::env::var("STRICT").is_ok();
    for line in stdin.lock().lines() {
        let line = line.unwrap();
        let (model, request) = line.split_once('\t').unwrap();
        let d = if model.contains("claude") { Dialect::Anthropic } else { Dialect::Gemini };
        let r = d.write_request(request, &Target { model, is_aihubmix: false, is_strict: strict });
        let v = match r {
            Ok(o) => {
                serde_json::json!({"path": o.path, "headers": o.headers.iter().map(|(a,b)| serde_json::json!([a,b])).collect::<Vec<_>>(), "raw": o.body, "warnings": o.losses.list().iter().map(|l| serde_json::json!({"param": l.param, "action": l.action.name(), "reason": l.reason})).collect::<Vec<_>>()})
            }
            Err(e) => {
                serde_json::json!({"__error": format!("{:?} {} {}", e.kind, e.message, e.body.unwrap_or_default())})
            }
        };
        writeln!(out, "{v}").unwrap();
    }
}
