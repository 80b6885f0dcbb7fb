//! The configuration: every option is defined once, in a table that each program gives.
//!
//! From one [`Opt`] come its parsing and checking, its environment variable, its line in the commented sample file
//! and its row in `config show`. What is set where, strongest first:
//!
//! ```text
//!   flag  >  environment  >  agent.d/*.toml (last name wins)  >  agent.toml  >  built in
//! ```
//!
//! A key that nobody knows is an error that names the file, the line and the nearest key: a misspelt option that is
//! silently ignored is worse than none. An error gives no settings at all, so whoever reloads keeps the old ones.

mod edit;
mod load;
mod show;
mod value;

use std::path::PathBuf;

pub use edit::set;
pub use load::{Flag, Sources, conf_dir, nearest};
pub use show::{quoted, sample};
pub use value::{Invalid, Kind, Value};

use crate::data_dir::Program;
use crate::hours::Hours;

/// The definition of one option.
#[derive(Debug, Clone, Copy)]
pub struct Opt {
    /// TOML table, e.g. `sync`.
    pub table: &'static str,
    /// Key in the table, e.g. `interval`.
    pub key: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// Built-in value, written as on a command line: `5m`, `true`, `a, b`.
    pub default: &'static str,
    /// Unit for people if the value itself does not show it, else empty.
    pub unit: &'static str,
    /// What it does, in Indonesian.
    pub help_id: &'static str,
    /// What it does, in English.
    pub help_en: &'static str,
    /// Whether the value must not be shown, nor be set by the environment.
    pub secret: bool,
}

impl Opt {
    /// `sync.interval`
    pub fn name(&self) -> String {
        format!("{}.{}", self.table, self.key)
    }

    /// The environment variable that sets it, e.g. `KENTONGAN_AGENT_SYNC_INTERVAL`.
    pub fn env_name(&self, program: Program) -> String {
        format!("{}{}_{}", program.env_prefix(), self.table, self.key).to_ascii_uppercase()
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The option's own default.
    BuiltIn,
    /// A line of a configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// Line in it, from 1.
        line: usize,
    },
    /// An environment variable.
    Environment(
        /// Its name.
        String,
    ),
    /// A flag of the command.
    Flag,
}

/// The value of one option, and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The value, checked.
    pub value: Value,
    /// The value as it was written, for showing.
    pub text: String,
    /// Where it was written.
    pub origin: Origin,
}

/// The values of all options of a program.
///
/// The getters panic when asked for an option that the program's table does not define, or as another kind than it
/// has there: that is a mistake in the program, not in a file.
#[derive(Debug, Clone)]
pub struct Settings {
    program: Program,
    options: &'static [Opt],
    settings: Vec<Setting>,
}

impl PartialEq for Settings {
    /// Equal values, wherever they come from: a reload that changes nothing need not be told to anybody.
    fn eq(&self, other: &Settings) -> bool {
        self.settings.iter().map(|setting| &setting.value).eq(other.settings.iter().map(|setting| &setting.value))
    }
}

impl Settings {
    /// The built-in values.
    pub fn built_in(program: Program, options: &'static [Opt]) -> Settings {
        let settings = options.iter().map(|opt| {
            let value = opt.kind.parse(opt.default).unwrap_or_else(|invalid| {
                panic!("the default {:?} of {} must be valid: {}", opt.default, opt.name(), invalid.en)
            });
            Setting { value, text: opt.default.to_owned(), origin: Origin::BuiltIn }
        });
        Settings { program, options, settings: settings.collect() }
    }

    /// The value of an option, with its origin.
    pub fn setting(&self, table: &str, key: &str) -> &Setting {
        let index = self.options.iter().position(|opt| opt.table == table && opt.key == key);
        let setting = index.and_then(|index| self.settings.get(index));
        setting.unwrap_or_else(|| panic!("the option {table}.{key} must be in the table of the program"))
    }

    /// A text, or one of a fixed set of words.
    pub fn text(&self, table: &str, key: &str) -> &str {
        match &self.setting(table, key).value {
            Value::Text(text) => text,
            other => wrong_kind(table, key, other),
        }
    }

    /// A whole number.
    pub fn whole(&self, table: &str, key: &str) -> i64 {
        match &self.setting(table, key).value {
            Value::Whole(number) => *number,
            other => wrong_kind(table, key, other),
        }
    }

    /// A decimal number.
    pub fn decimal(&self, table: &str, key: &str) -> f64 {
        match &self.setting(table, key).value {
            Value::Decimal(number) => *number,
            other => wrong_kind(table, key, other),
        }
    }

    /// Yes or no.
    pub fn boolean(&self, table: &str, key: &str) -> bool {
        match &self.setting(table, key).value {
            Value::Boolean(yes) => *yes,
            other => wrong_kind(table, key, other),
        }
    }

    /// A span of time.
    pub fn duration(&self, table: &str, key: &str) -> std::time::Duration {
        match &self.setting(table, key).value {
            Value::Duration(ms) => std::time::Duration::from_millis(*ms),
            other => wrong_kind(table, key, other),
        }
    }

    /// A number of working days.
    pub fn working_days(&self, table: &str, key: &str) -> u32 {
        match &self.setting(table, key).value {
            Value::WorkingDays(days) => *days,
            other => wrong_kind(table, key, other),
        }
    }

    /// A number of bytes.
    pub fn bytes(&self, table: &str, key: &str) -> u64 {
        match &self.setting(table, key).value {
            Value::Bytes(bytes) => *bytes,
            other => wrong_kind(table, key, other),
        }
    }

    /// Hours of every day.
    pub fn hours(&self, table: &str, key: &str) -> &Hours {
        match &self.setting(table, key).value {
            Value::Hours(hours) => hours,
            other => wrong_kind(table, key, other),
        }
    }

    /// A list of texts.
    pub fn list(&self, table: &str, key: &str) -> &[String] {
        match &self.setting(table, key).value {
            Value::List(items) => items,
            other => wrong_kind(table, key, other),
        }
    }
}

fn wrong_kind(table: &str, key: &str, value: &Value) -> ! {
    panic!("the option {table}.{key} is asked for as another kind than it has: {value:?}")
}

#[cfg(test)]
mod tests;
