//! One event as a JSON object, and as a line for people.

use std::fmt::Debug;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

/// The object of an event: `ts lvl ev code`, the other fields as given, `msg` last.
pub(super) fn line_of(event: &Event<'_>, now: Timestamp) -> Value {
    let mut fields = Fields::default();
    event.record(&mut fields);
    let metadata = event.metadata();
    let mut line = Map::new();
    line.insert("ts".into(), json!(format!("{now:.3}")));
    line.insert("lvl".into(), json!(level_name(*metadata.level())));
    // Libraries do not know our codes: where they speak from takes its place.
    let ev = fields.0.shift_remove("ev").unwrap_or_else(|| json!(metadata.target().replace("::", ".")));
    line.insert("ev".into(), ev);
    if let Some(code) = fields.0.shift_remove("code") {
        line.insert("code".into(), code);
    }
    let message = fields.0.shift_remove("message");
    line.extend(fields.0);
    if let Some(message) = message {
        line.insert("msg".into(), message);
    }
    Value::Object(line)
}

/// `14.00.03 ! hub name not found KTG-102 class=dns attempt=41`
pub fn render_text(line: &Value, zone: &TimeZone) -> String {
    let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
    let time = match text("ts").parse::<Timestamp>() {
        Ok(ts) => ts.to_zoned(zone.clone()).strftime("%H.%M.%S").to_string(),
        Err(_) => "--.--.--".to_owned(),
    };
    let mark = match text("lvl") {
        "error" => 'X',
        "warn" => '!',
        "info" => ' ',
        _ => '.',
    };
    let said = if text("msg").is_empty() { text("ev") } else { text("msg") };
    let mut shown = format!("{time} {mark} {said}");
    if !text("code").is_empty() {
        shown.push_str(&format!(" {}", text("code")));
    }
    for (name, value) in line.as_object().into_iter().flatten() {
        if !["ts", "lvl", "ev", "code", "msg"].contains(&name.as_str()) {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            shown.push_str(&format!(" {name}={value}"));
        }
    }
    // A terminal must not be steered by what a log line quotes.
    shown.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        // The `log` bridge of some libraries repeats what the metadata says.
        if !field.name().starts_with("log.") {
            self.0.insert(field.name().to_owned(), value);
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, json!(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, json!(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, json!(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tracing::Subscriber;
    use tracing_subscriber::Registry;
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

    struct Keep(Arc<Mutex<Vec<Value>>>);

    impl<S: Subscriber> Layer<S> for Keep {
        fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
            let now = Timestamp::from_millisecond(1_795_244_403_118).expect("a time");
            self.0.lock().expect("no panic before").push(line_of(event, now));
        }
    }

    fn logged(speak: impl FnOnce()) -> Value {
        let lines = Arc::new(Mutex::new(Vec::new()));
        tracing::subscriber::with_default(Registry::default().with(Keep(lines.clone())), speak);
        lines.lock().expect("no panic before").remove(0)
    }

    #[test]
    fn an_event_is_one_object_with_its_code_first_and_its_message_last() {
        let line = logged(|| {
            tracing::warn!(attempt = 41, ev = "sync.session.failed", code = %crate::Ktg::Dns, "hub name not found");
        });
        assert_eq!(
            line.to_string(),
            "{\"ts\":\"2026-11-21T07:00:03.118Z\",\"lvl\":\"warn\",\"ev\":\"sync.session.failed\",\
             \"code\":\"KTG-102\",\"attempt\":41,\"msg\":\"hub name not found\"}"
        );
        assert_eq!(
            render_text(&line, &TimeZone::fixed(jiff::tz::offset(7))),
            "14.00.03 ! hub name not found KTG-102 attempt=41"
        );
    }

    #[test]
    fn a_library_without_our_codes_is_named_by_where_it_speaks_from() {
        let line = logged(|| tracing::info!(target: "rustls::client", "resumed"));
        assert_eq!(line["ev"], "rustls.client");
    }

    #[test]
    fn a_line_cannot_steer_a_terminal() {
        let line = json!({ "ts": "?", "lvl": "info", "ev": "x", "msg": "\u{1b}[2Jhapus\n" });
        assert_eq!(render_text(&line, &TimeZone::UTC), "--.--.--    [2Jhapus ");
    }
}
