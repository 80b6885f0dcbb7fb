//! Showing settings: the commented sample file, and `config show`.

use serde_json::{Map, Value as Json, json};

use super::value::{Kind, Value};
use super::{Opt, Origin, Setting, Settings};
use crate::data_dir::Program;
use crate::output::{Output, Table};

/// The commented sample file: every option with its help in both languages and its built-in value.
pub fn sample(program: Program, options: &[Opt]) -> String {
    let binary = program.binary();
    let mut text = format!(
        "# {binary}: hapus tanda # di depan baris yang ingin diubah, lalu periksa dengan `{binary} config check`.\n\
         # {binary}: remove the # before a line to change it, then check with `{binary} config check`.\n"
    );
    let mut table = "";
    for opt in options {
        if opt.table != table {
            table = opt.table;
            text.push_str(&format!("\n[{table}]\n"));
        }
        let unit = if opt.unit.is_empty() { String::new() } else { format!(" ({})", opt.unit) };
        text.push_str(&format!("# {}{unit}\n# {}{unit}\n", opt.help_id, opt.help_en));
        text.push_str(&format!("#{} = {}\n", opt.key, literal(&opt.kind, opt.default)));
    }
    text
}

impl Settings {
    /// Prints all values, with `origin` also where each comes from. Secrets are shown as set or not set.
    pub fn show(&self, out: &Output, origin: bool) {
        if out.json {
            let settings: Vec<_> = self
                .rows()
                .map(|(opt, shown, source)| {
                    let mut row = json!({ "table": opt.table, "key": opt.key, "value": shown, "unit": opt.unit });
                    if origin {
                        row["origin"] = json!(source);
                    }
                    row
                })
                .collect();
            out.document(&json!({ "schema": "kentongan.config/1", "settings": settings }));
            return;
        }
        let mut table = Table::headless();
        for (opt, shown, source) in self.rows() {
            let source = if origin { source } else { String::new() };
            table.row([opt.name(), shown, opt.unit.to_owned(), source]);
        }
        out.table(&table);
    }

    /// The settings for whoever helps: figures, choices and addresses to listen at as they are. Of any other text it is
    /// only told that somebody wrote one, because it may name a person or open a door.
    pub fn harmless(&self) -> Json {
        let row = |(opt, setting): (&Opt, &Setting)| {
            let may_say_anything = matches!(opt.kind, Kind::Text | Kind::List) && opt.table != "listen";
            let is_own = setting.origin != Origin::BuiltIn && !setting.text.is_empty();
            let is_hidden = is_own && (opt.secret || may_say_anything);
            let origin = match setting.origin {
                Origin::BuiltIn => "built-in",
                Origin::File { .. } => "file",
                Origin::Environment(_) => "environment",
                Origin::Flag => "flag",
            };
            (opt.name(), json!({ "value": if is_hidden { "***" } else { setting.text.as_str() }, "origin": origin }))
        };
        self.options.iter().zip(&self.settings).map(row).collect::<Map<_, _>>().into()
    }

    fn rows(&self) -> impl Iterator<Item = (&'static Opt, String, String)> {
        self.options.iter().zip(&self.settings).map(|(opt, setting)| {
            let set = !setting.text.is_empty();
            let shown = if opt.secret && set { "***".to_owned() } else { setting.text.clone() };
            (opt, shown, setting.origin.to_string())
        })
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::BuiltIn => f.write_str("built-in"),
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Environment(name) => f.write_str(name),
            Origin::Flag => f.write_str("flag"),
        }
    }
}

/// A value as TOML writes it. `text` must be valid for its kind.
pub(super) fn literal(kind: &Kind, text: &str) -> String {
    match kind.parse(text) {
        Ok(Value::List(items)) => format!("[{}]", items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", ")),
        // A float needs its point: 1 would be read back as a whole number, which is fine too.
        Ok(Value::Whole(_) | Value::Decimal(_) | Value::Boolean(_)) => text.trim().to_owned(),
        _ => quoted(text.trim()),
    }
}

/// A text as TOML writes it.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
