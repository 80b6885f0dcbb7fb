//! `config set`: changing one value in a file that people have written and commented.

use std::io;
use std::path::Path;

use toml::de::DeTable;

use super::load::{read, unreadable};
use super::show::literal;
use super::{Opt, Settings};
use crate::data_dir::Program;
use crate::fail::Failure;
use crate::files::{Access, replace};

/// Sets `table.key` to `text` in `file`, leaving every other byte as it is, and creates the file if there is none.
///
/// # Errors
/// Exit 2: no such option, the value is not valid, or the file itself holds a mistake. The file is then unchanged.
pub fn set(
    program: Program,
    options: &'static [Opt],
    file: &Path,
    (table, key): (&str, &str),
    text: &str,
) -> Result<(), Failure> {
    let Some(opt) = options.iter().find(|opt| opt.table == table && opt.key == key) else {
        return Err(Failure::usage(format!("tidak ada opsi {table}.{key}"), format!("no such option: {table}.{key}")));
    };
    opt.kind.parse(text).map_err(|invalid| {
        let name = opt.name();
        Failure::usage(format!("{name}: {}", invalid.id), format!("{name}: {}", invalid.en))
    })?;
    let old = match read(file) {
        Ok(old) => old,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(unreadable(file, error)),
    };
    // The old file must hold on its own: an edit in a broken file could land anywhere.
    let mut before = Settings::built_in(program, options);
    before.take_file(file, &old)?;
    let new = edited(&old, table, key, &literal(&opt.kind, text));
    let mut after = Settings::built_in(program, options);
    after.take_file(file, &new)?;
    if !changes_only(&before, &after, opt, text) {
        return Err(Failure::usage(
            format!("{}: baris untuk {} terlalu rumit; ubah dengan penyunting teks", file.display(), opt.name()),
            format!("{}: the line of {} is too intricate; change it in a text editor", file.display(), opt.name()),
        ));
    }
    replace(file, new.as_bytes(), Access::Readable)
        .map_err(|error| Failure::from(anyhow::Error::from(error).context(format!("write {}", file.display()))))
}

/// The text with the value replaced where it stands, or else with a line more in its table, or else with a table more.
fn edited(old: &str, table: &str, key: &str, literal: &str) -> String {
    let line = format!("{key} = {literal}\n");
    let document = DeTable::parse(old).ok();
    let found = document.as_ref().and_then(|document| document.get_ref().get(table));
    if let Some(value) = found.and_then(|keys| keys.get_ref().as_table()?.get(key)) {
        let span = value.span();
        return format!("{}{literal}{}", &old[..span.start], &old[span.end..]);
    }
    match found.and_then(|_| header_end(old, table)) {
        Some(end) => format!("{}{line}{}", &old[..end], &old[end..]),
        None => {
            let gap = if old.is_empty() || old.ends_with("\n\n") {
                ""
            } else if old.ends_with('\n') {
                "\n"
            } else {
                "\n\n"
            };
            format!("{old}{gap}[{table}]\n{line}")
        }
    }
}

/// Where the line after `[table]` begins.
fn header_end(text: &str, table: &str) -> Option<usize> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let name =
            line.trim_start().strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name.trim());
        start += line.len();
        if name == Some(table) && line.ends_with('\n') {
            return Some(start);
        }
    }
    None
}

fn changes_only(before: &Settings, after: &Settings, changed: &Opt, text: &str) -> bool {
    before.options.iter().all(|opt| {
        let (was, is) = (before.setting(opt.table, opt.key), after.setting(opt.table, opt.key));
        if (opt.table, opt.key) == (changed.table, changed.key) {
            changed.kind.parse(text).is_ok_and(|wanted| wanted == is.value)
        } else {
            was.value == is.value
        }
    })
}
