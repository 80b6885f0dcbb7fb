//! A workbook: which of its parts are sheets that hold tables, and what all sheets share.
//!
//! ```text
//!   _rels/.rels ──▶ xl/workbook.xml            the sheets' names, and from which day dates are counted
//!                        │ xl/_rels/workbook.xml.rels
//!                        ├──▶ worksheets/sheet1.xml   cells
//!                        ├──▶ sharedStrings.xml       texts that cells name by their number
//!                        └──▶ styles.xml              formats that cells name by their number
//! ```
//!
//! ECMA-376: part 2 for how parts lead to each other, part 1 section 18 for what is in them.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use zip::ZipArchive;
use zip::read::ZipFile;

use super::super::super::fault::FileFault;
use super::super::super::row::CELL_BYTES_MAX;
use super::moment::{Shown, shown_by_code, shown_by_number};
use super::xml::{Piece, Xml};

/// Most sheets, relations and formats, each; a spreadsheet has no more than 65,490 formats of cells.
const ENTRIES_MAX: usize = 65_536;
/// Most shared texts, and most bytes of them.
const TEXTS_MAX: usize = 8_000_000;
const TEXT_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A workbook whose parts are read one after the other.
pub(super) struct Workbook<R> {
    archive: ZipArchive<R>,
    /// Name of the part that lists the sheets.
    name: String,
    relations: Vec<Relation>,
    sheets: Vec<Sheet>,
    /// Whether dates are counted from 1904 on.
    pub(super) since_1904: bool,
}

/// How one part names another.
#[derive(Debug, Default)]
struct Relation {
    id: String,
    /// The last word of its kind: `worksheet`, `sharedStrings`.
    kind: String,
    target: String,
}

/// A sheet as the workbook lists it.
#[derive(Debug, Default)]
struct Sheet {
    name: String,
    is_hidden: bool,
    relation: String,
}

/// The texts that cells name by their number, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Texts {
    all: String,
    ends: Vec<usize>,
}

impl<R: Read + Seek> Workbook<R> {
    /// Opens the workbook of an archive.
    ///
    /// # Errors
    /// [`FileFault::Damaged`] if there is none in it.
    pub(super) fn open(archive: R) -> Result<Workbook<R>, FileFault> {
        let mut archive = ZipArchive::new(archive).map_err(|_| FileFault::Damaged)?;
        let top = relations(&mut archive, "")?;
        let top = top.into_iter().find(|relation| relation.kind == "officeDocument").ok_or(FileFault::Damaged)?;
        let name = resolved("", &top.target);
        let relations = relations(&mut archive, &name)?;
        let mut workbook = Workbook { archive, name, relations, sheets: Vec::new(), since_1904: false };
        workbook.list()?;
        Ok(workbook)
    }

    fn list(&mut self) -> Result<(), FileFault> {
        let mut xml = Xml::new(part(&mut self.archive, &self.name)?.ok_or(FileFault::Damaged)?);
        loop {
            match xml.next()? {
                Piece::Begin(element) if element.name() == "workbookPr" => element.attributes(|name, value| {
                    if name == "date1904" {
                        self.since_1904 = matches!(&*value, "1" | "true" | "on");
                    }
                    Ok(())
                })?,
                Piece::Begin(element) if element.name() == "sheet" => {
                    let mut sheet = Sheet::default();
                    element.attributes(|name, value| {
                        match name {
                            "name" => sheet.name = value.into_owned(),
                            "state" => sheet.is_hidden = value != "visible",
                            "id" => sheet.relation = value.into_owned(),
                            _ => {}
                        }
                        Ok(())
                    })?;
                    push(&mut self.sheets, sheet)?;
                }
                Piece::Over => return Ok(()),
                _ => {}
            }
        }
    }

    /// The sheet that was asked for, else the first one that people see.
    ///
    /// # Errors
    /// [`FileFault::NoSheet`], [`FileFault::Damaged`].
    pub(super) fn sheet(&mut self, wanted: Option<&str>) -> Result<Xml<ZipFile<'_, R>>, FileFault> {
        let mut tables = self.sheets.iter().filter_map(|sheet| {
            let relation = self.relations.iter().find(|relation| relation.id == sheet.relation)?;
            (relation.kind == "worksheet").then_some((sheet, &relation.target))
        });
        let found = match wanted {
            Some(name) => tables.find(|(sheet, _)| sheet.name.trim().eq_ignore_ascii_case(name.trim())),
            None => tables.find(|(sheet, _)| !sheet.is_hidden),
        };
        let (_, target) = found.ok_or_else(|| FileFault::NoSheet { name: wanted.unwrap_or_default().to_owned() })?;
        let name = resolved(&self.name, target);
        Ok(Xml::new(part(&mut self.archive, &name)?.ok_or(FileFault::Damaged)?))
    }

    /// What cells name by their number; none if the workbook has no such part.
    ///
    /// # Errors
    /// [`FileFault::Damaged`], [`FileFault::Bomb`].
    pub(super) fn texts(&mut self) -> Result<Texts, FileFault> {
        let mut texts = Texts::default();
        let Some(mut xml) = self.shared("sharedStrings")? else { return Ok(texts) };
        let mut depth = TextDepth::default();
        loop {
            match xml.next()? {
                Piece::Begin(element) => depth.begin(element.name()),
                Piece::Text(text) if depth.is_text() => texts.add(&text)?,
                Piece::End(name) if name == "si" => texts.end()?,
                Piece::End(name) => depth.end(&name),
                Piece::Over => return Ok(texts),
                _ => {}
            }
        }
    }

    /// How each format of cells shows numbers.
    ///
    /// # Errors
    /// [`FileFault::Damaged`].
    pub(super) fn formats(&mut self) -> Result<Vec<Shown>, FileFault> {
        let mut formats = Vec::new();
        let Some(mut xml) = self.shared("styles")? else { return Ok(formats) };
        let (mut own, mut in_cells): (BTreeMap<u32, Shown>, bool) = (BTreeMap::new(), false);
        loop {
            match xml.next()? {
                Piece::Begin(element) => {
                    let (mut number, mut code) = (0, None);
                    let name = element.name();
                    in_cells |= name == "cellXfs";
                    if name != "numFmt" && !(in_cells && name == "xf") {
                        continue;
                    }
                    element.attributes(|name, value| {
                        match name {
                            "numFmtId" => number = value.parse().map_err(|_| FileFault::Damaged)?,
                            "formatCode" => code = Some(shown_by_code(&value)),
                            _ => {}
                        }
                        Ok(())
                    })?;
                    match code {
                        Some(_) if own.len() >= ENTRIES_MAX => return Err(FileFault::Damaged),
                        Some(shown) if name == "numFmt" => drop(own.insert(number, shown)),
                        _ if name == "xf" => {
                            push(&mut formats, own.get(&number).copied().unwrap_or_else(|| shown_by_number(number)))?;
                        }
                        _ => {}
                    }
                }
                Piece::End(name) if name == "cellXfs" => in_cells = false,
                Piece::Over => return Ok(formats),
                _ => {}
            }
        }
    }

    fn shared(&mut self, kind: &str) -> Result<Option<Xml<ZipFile<'_, R>>>, FileFault> {
        let Some(relation) = self.relations.iter().find(|relation| relation.kind == kind) else { return Ok(None) };
        let name = resolved(&self.name, &relation.target);
        Ok(part(&mut self.archive, &name)?.map(Xml::new))
    }
}

impl Texts {
    #[cfg(test)]
    pub(super) fn of(texts: &[&str]) -> Result<Texts, FileFault> {
        let mut all = Texts::default();
        for text in texts {
            all.add(text)?;
            all.end()?;
        }
        Ok(all)
    }

    /// The text of a number.
    pub(super) fn get(&self, number: usize) -> Option<&str> {
        let start = if number == 0 { 0 } else { *self.ends.get(number - 1)? };
        self.all.get(start..*self.ends.get(number)?)
    }

    fn add(&mut self, text: &str) -> Result<(), FileFault> {
        let begun = self.all.len() - self.ends.last().copied().unwrap_or(0);
        if self.all.len() + text.len() > TEXT_BYTES_MAX {
            return Err(FileFault::Bomb);
        }
        // One that is too long is longer than it may be afterwards as well, and its row says so.
        if begun <= CELL_BYTES_MAX {
            self.all.push_str(text);
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), FileFault> {
        if self.ends.len() >= TEXTS_MAX {
            return Err(FileFault::Bomb);
        }
        self.ends.push(self.all.len());
        Ok(())
    }
}

/// Where in a text one is. Text is in `t`, in pieces of different looks in several; how it is read aloud (`rPh`) is no part of it.
#[derive(Debug, Default)]
pub(super) struct TextDepth {
    in_text: bool,
    in_reading: bool,
}

impl TextDepth {
    pub(super) fn begin(&mut self, name: &str) {
        self.in_text |= name == "t";
        self.in_reading |= name == "rPh";
    }

    pub(super) fn end(&mut self, name: &str) {
        self.in_text &= name != "t";
        self.in_reading &= name != "rPh";
    }

    pub(super) fn is_text(&self) -> bool {
        self.in_text && !self.in_reading
    }
}

/// The parts that a part leads to; none if it has no list of them.
fn relations<R: Read + Seek>(archive: &mut ZipArchive<R>, of: &str) -> Result<Vec<Relation>, FileFault> {
    let (folder, file) = of.rsplit_once('/').unwrap_or(("", of));
    let list = format!("{folder}{}_rels/{file}.rels", if folder.is_empty() { "" } else { "/" });
    let mut relations = Vec::new();
    let Some(part) = part(archive, &list)? else { return Ok(relations) };
    let mut xml = Xml::new(part);
    loop {
        match xml.next()? {
            Piece::Begin(element) if element.name() == "Relationship" => {
                let mut relation = Relation::default();
                element.attributes(|name, value| {
                    match name {
                        "Id" => relation.id = value.into_owned(),
                        "Type" => relation.kind = value.rsplit('/').next().unwrap_or_default().to_owned(),
                        "Target" => relation.target = value.into_owned(),
                        _ => {}
                    }
                    Ok(())
                })?;
                push(&mut relations, relation)?;
            }
            Piece::Over => return Ok(relations),
            _ => {}
        }
    }
}

fn push<T>(list: &mut Vec<T>, entry: T) -> Result<(), FileFault> {
    if list.len() >= ENTRIES_MAX {
        return Err(FileFault::Damaged);
    }
    list.push(entry);
    Ok(())
}

/// A part by its name, whose letters some programs write small and others large.
fn part<'a, R: Read + Seek>(archive: &'a mut ZipArchive<R>, name: &str) -> Result<Option<ZipFile<'a, R>>, FileFault> {
    let same = |other: &[u8]| {
        let other = other.iter().map(|byte| if *byte == b'\\' { b'/' } else { byte.to_ascii_lowercase() });
        other.eq(name.bytes().map(|byte| byte.to_ascii_lowercase()))
    };
    let Some(index) = archive.file_names_raw().position(same) else { return Ok(None) };
    archive.by_index(index).map(Some).map_err(|_| FileFault::Damaged)
}

/// The name of the part that `target` means where the part `from` names it.
fn resolved(from: &str, target: &str) -> String {
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let (folder, target) = match target.strip_prefix('/') {
        Some(target) => ("", target),
        None => (folder, target),
    };
    let mut names = Vec::new();
    for name in folder.split('/').chain(target.split('/')) {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    names.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_named_from_the_folder_of_the_part_that_names_it() {
        assert_eq!(resolved("xl/workbook.xml", "worksheets/sheet1.xml"), "xl/worksheets/sheet1.xml");
        assert_eq!(resolved("xl/workbook.xml", "/xl/sharedStrings.xml"), "xl/sharedStrings.xml");
        assert_eq!(resolved("xl/workbook.xml", "../other/./a.xml"), "other/a.xml");
        assert_eq!(resolved("", "xl/workbook.xml"), "xl/workbook.xml");
        assert_eq!(resolved("a", "../../b"), "b");
    }

    #[test]
    fn texts_are_found_by_their_numbers() {
        let texts = Texts::of(&["satu", "", "dua"]).expect("few and short");
        let found: Vec<Option<&str>> = (0..4).map(|number| texts.get(number)).collect();
        assert_eq!(found, [Some("satu"), Some(""), Some("dua"), None]);
    }
}
