//! How commands print: results to stdout, messages to stderr, tables that scripts can still cut.
//!
//! A reader that goes away (`… | head`) is no error: what cannot be printed any more is dropped, the command finishes
//! its work and ends with its own code.

use std::cell::Cell;
use std::future::poll_fn;
use std::io::{self, IsTerminal, Write};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use serde_json::Value;

pub use kentongan_protocol::form::Lang;

/// What the flags of a command say about printing; `None` and `false` leave the choice to the environment.
#[derive(Debug, Clone, Copy, Default)]
pub struct OutputFlags {
    /// `--json`: one JSON document instead of words.
    pub json: bool,
    /// `--quiet`: only results and errors, no messages.
    pub quiet: bool,
    /// `--no-color`.
    pub no_color: bool,
    /// `--lang id|en`.
    pub lang: Option<Lang>,
}

/// Where a command prints, and how.
#[derive(Debug, Clone)]
pub struct Output {
    /// One JSON document instead of words.
    pub json: bool,
    /// Language of words; JSON keys and event codes are English always.
    pub lang: Lang,
    /// Whether stdout shows colours.
    pub color: bool,
    /// Whether messages are left out.
    pub quiet: bool,
    closed: Arc<AtomicBool>,
}

impl Output {
    /// Decides by flags first, then by the environment, and makes the language that of the whole process.
    pub fn from_flags(flags: OutputFlags) -> Output {
        let lang = flags.lang.unwrap_or_else(|| lang_of_environment(|name| std::env::var(name).ok()));
        set_process_lang(lang);
        let no_color = flags.no_color || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Output {
            json: flags.json,
            lang,
            color: !flags.json && !no_color && io::stdout().is_terminal(),
            quiet: flags.quiet,
            closed: Arc::default(),
        }
    }

    /// One line of a result, to stdout.
    pub fn line(&self, text: &str) {
        let mut stdout = self.stdout();
        self.note(stdout.write_all(text.as_bytes()).and_then(|()| stdout.write_all(b"\n")));
    }

    /// One JSON document on a line of its own, to stdout.
    pub fn document(&self, value: &Value) {
        self.line(&value.to_string());
        self.note(self.stdout().flush());
    }

    /// A message for people, to stderr; left out with `--quiet` and in JSON mode.
    pub fn say(&self, id: &str, en: &str) {
        if !self.quiet && !self.json {
            // A message that nobody can read is no reason to fail.
            let _ = writeln!(io::stderr(), "{}", self.pick(id, en));
        }
    }

    /// The text in the language of this output.
    pub fn pick<'t>(&self, id: &'t str, en: &'t str) -> &'t str {
        pick(self.lang, id, en)
    }

    /// Prints a table, a header and its rows, with aligned columns.
    pub fn table(&self, table: &Table) {
        for line in table.lines() {
            self.line(&line);
        }
    }

    /// `text` in bold where colours are shown.
    pub fn bold(&self, text: &str) -> String {
        if self.color { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// A buffered writer to stdout for long results; it swallows what a closed reader no longer takes.
    pub fn stdout(&self) -> Stdout {
        Stdout { inner: io::stdout(), closed: Arc::clone(&self.closed) }
    }

    /// Whether the reader of stdout has gone; an endless command (`logs -f`) ends then.
    pub fn closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    fn note(&self, written: io::Result<()>) {
        if written.is_err() {
            self.closed.store(true, Ordering::Relaxed);
        }
    }
}

/// Stdout that never fails for a reader that went away. Other errors (a full disk behind `> file`) are returned.
#[derive(Debug)]
pub struct Stdout {
    inner: io::Stdout,
    closed: Arc<AtomicBool>,
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed.load(Ordering::Relaxed) {
            return Ok(bytes.len());
        }
        let written = self.inner.write(bytes);
        self.forgive(written, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.closed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let flushed = self.inner.flush();
        self.forgive(flushed, ())
    }
}

impl Stdout {
    fn forgive<T>(&self, result: io::Result<T>, dropped: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed.store(true, Ordering::Relaxed);
                Ok(dropped)
            }
            other => other,
        }
    }
}

/// A table for people: columns as wide as their widest cell, two spaces between, nothing cut off.
#[derive(Debug, Clone, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with this header.
    pub fn new<S: Into<String>>(header: impl IntoIterator<Item = S>) -> Table {
        let mut table = Table::headless();
        table.row(header);
        table
    }

    /// A table without a header, for pairs of name and value.
    pub fn headless() -> Table {
        Table::default()
    }

    /// Adds a row; line breaks in a cell become spaces, so that a row stays a line.
    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) -> &mut Table {
        self.rows.push(cells.into_iter().map(|cell| one_line(&cell.into())).collect());
        self
    }

    /// The lines as they are printed, without trailing spaces.
    pub fn lines(&self) -> Vec<String> {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            for (column, cell) in row.iter().enumerate() {
                match widths.get_mut(column) {
                    Some(width) => *width = (*width).max(width_of(cell)),
                    None => widths.push(width_of(cell)),
                }
            }
        }
        self.rows.iter().map(|row| join(row, &widths)).collect()
    }
}

fn join(row: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in row.iter().zip(widths) {
        line.push_str(cell);
        line.extend(std::iter::repeat_n(' ', width - width_of(cell) + 2));
    }
    line.truncate(line.trim_end().len());
    line
}

/// Control characters could move the cursor of a terminal: they become spaces.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn width_of(text: &str) -> usize {
    text.chars().count()
}

/// One of two texts.
pub fn pick<'t>(lang: Lang, id: &'t str, en: &'t str) -> &'t str {
    match lang {
        Lang::Id => id,
        Lang::En => en,
    }
}

/// Language of this process: Indonesian until [`set_process_lang`] says otherwise.
static PROCESS_LANG: AtomicU8 = AtomicU8::new(0);

/// Sets the language in which errors of this process are worded, once at its start.
pub fn set_process_lang(lang: Lang) {
    PROCESS_LANG.store(u8::from(lang == Lang::En), Ordering::Relaxed);
}

thread_local! {
    /// Language of the person for whom this thread works at the moment, if it differs.
    static SERVED_LANG: Cell<Option<Lang>> = const { Cell::new(None) };
}

/// Does `work` for a person of this language: what goes wrong in it, on this thread, is worded in it.
pub fn in_lang<T>(lang: Lang, work: impl FnOnce() -> T) -> T {
    /// A panic that goes through `work` leaves the thread as it was, too.
    struct Restore(Option<Lang>);
    impl Drop for Restore {
        fn drop(&mut self) {
            SERVED_LANG.set(self.0);
        }
    }
    let _restore = Restore(SERVED_LANG.replace(Some(lang)));
    work()
}

/// The same for work that waits in between, on whichever thread goes on with it. What it has others do they word as they
/// like; the thread of a store does it in the language of whoever asks.
pub async fn in_lang_async<F: Future>(lang: Lang, work: F) -> F::Output {
    let mut work = pin!(work);
    poll_fn(move |context| in_lang(lang, || work.as_mut().poll(context))).await
}

/// The language in which errors are worded: that of the person served, else that of this process.
pub fn process_lang() -> Lang {
    if let Some(lang) = SERVED_LANG.get() {
        return lang;
    }
    if PROCESS_LANG.load(Ordering::Relaxed) == 1 { Lang::En } else { Lang::Id }
}

/// `id` or `en`, also as the start of a locale name such as `en_GB.UTF-8`.
pub fn parse_lang(text: &str) -> Option<Lang> {
    let word = text.split(['_', '-', '.']).next()?.to_ascii_lowercase();
    match word.as_str() {
        "id" | "in" => Some(Lang::Id),
        "en" => Some(Lang::En),
        _ => None,
    }
}

/// `KENTONGAN_LANG`, else the system's language, else Indonesian.
fn lang_of_environment(variable: impl Fn(&str) -> Option<String>) -> Lang {
    ["KENTONGAN_LANG", "LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .filter_map(variable)
        .find(|value| !value.is_empty())
        .and_then(|value| parse_lang(&value))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_rows_stay_lines() {
        let mut table = Table::new(["kantor", "n"]);
        table.row(["Désa Warung", "12"]).row(["Baru\nUlu", "3"]);
        assert_eq!(table.lines(), ["kantor       n", "Désa Warung  12", "Baru Ulu     3"]);
    }

    #[test]
    fn rows_of_unequal_length_still_print() {
        let mut table = Table::headless();
        table.row(["a"]).row(["bb", "c"]);
        assert_eq!(table.lines(), ["a", "bb  c"]);
    }

    #[test]
    fn the_language_comes_from_our_variable_before_the_systems() {
        let both = |name: &str| match name {
            "KENTONGAN_LANG" => Some("id".to_owned()),
            "LANG" => Some("en_GB.UTF-8".to_owned()),
            _ => None,
        };
        assert_eq!(lang_of_environment(both), Lang::Id);
        let system = |name: &str| (name == "LANG").then(|| "en_GB.UTF-8".to_owned());
        assert_eq!(lang_of_environment(system), Lang::En);
        assert_eq!(lang_of_environment(|_| None), Lang::Id);
    }
}
