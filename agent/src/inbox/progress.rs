//! How far an import is, on the terminal; nothing where nobody looks.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kentongan_host::{Lang, Output};

use super::report::Progress;

/// A bar on stderr. It takes itself away when dropped, so that the result stands alone.
#[derive(Debug)]
pub struct Bar(Option<ProgressBar>);

impl Bar {
    /// A bar for a command that prints so: none in JSON, when quiet, or when stderr is not a terminal.
    pub fn new(output: &Output) -> Bar {
        if output.json || output.quiet || !io::stderr().is_terminal() {
            return Bar(None);
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let template = match output.lang {
            Lang::Id => "{bar:30} {percent:>3}%  {msg}  sisa {eta}",
            Lang::En => "{bar:30} {percent:>3}%  {msg}  {eta} left",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("█▌░"));
        }
        Bar(Some(bar))
    }

    /// Shows how far the import is.
    pub fn update(&self, progress: Progress, lang: Lang) {
        let Some(bar) = &self.0 else { return };
        if progress.bytes_total > 0 {
            bar.set_length(progress.bytes_total);
            bar.set_position(progress.bytes);
        } else {
            bar.tick();
        }
        bar.set_message(match lang {
            Lang::Id => format!("{} baris, {} perlu diperbaiki", progress.rows, progress.rejected),
            Lang::En => format!("{} rows, {} need fixing", progress.rows, progress.rejected),
        });
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
