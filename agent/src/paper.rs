//! Survey forms on paper: batches of blank sheets that are printed, filled in at the desk, and typed by a clerk later.
//!
//! ```text
//!   draw ──▶ 7K3M-Q2HR   the batch: how many sheets it has stands in its code
//!              │
//!              ├─ sheet 1 of 20 ──▶ its draft, under a name of the sheet's own
//!              └─ sheet 2 of 20 ──▶ its record: the sheet is taken once, as a row of a file is
//! ```
//!
//! Nothing is kept of a batch itself. Its code is on every sheet, and whoever types it knows all of it.

use std::fmt::{self, Display};
use std::str::FromStr;

use kentongan_host::random::random_below;
use kentongan_protocol::form::builtin::skm;
use kentongan_protocol::form::{Form, FormTag};
use kentongan_protocol::receipt::{ALPHABET, CodeError, check_symbol, read_checked, symbol};
use sha2::{Digest, Sha256};

use crate::store::DraftName;

/// Sheets of one batch, at most: more than a desk hands out on a day, and few enough to be seen on one page.
pub(crate) const SHEETS_MAX: u8 = 50;

/// The form that is printed.
pub(crate) const FORM: FormTag = skm::TAG;

/// Symbols of a code, of which the last is the check symbol.
const SYMBOLS: usize = 8;
const BASE: u64 = ALPHABET.len() as u64;
/// So many batches are there of each size: that two of a thousand have the same code is one chance in a thousand.
const LOTS: u64 = BASE.pow(SYMBOLS as u32 - 1) / SHEETS_MAX as u64;

/// How the name of a sheet's draft begins. Names of other drafts are drawn, and one that begins so by chance comes once in
/// 281 billion.
const DRAFT_MARK: &[u8; 6] = b"kertas";

/// Blank sheets that were printed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Below [`LOTS`].
    lot: u64,
    /// From 1 to [`SHEETS_MAX`].
    sheets: u8,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sheet {
    batch: Batch,
    /// From 1 on.
    number: u8,
}

impl Batch {
    /// A new batch; `None`: it cannot have so many sheets.
    pub(crate) fn draw(sheets: u8) -> Option<Batch> {
        (1..=SHEETS_MAX).contains(&sheets).then(|| Batch { lot: random_below(LOTS), sheets })
    }

    /// How many sheets it has.
    pub(crate) fn sheets(self) -> u8 {
        self.sheets
    }

    /// The sheet with this number, from 1 on.
    pub(crate) fn sheet(self, number: u8) -> Option<Sheet> {
        (1..=self.sheets).contains(&number).then_some(Sheet { batch: self, number })
    }

    /// All sheets in their order.
    pub(crate) fn all(self) -> impl Iterator<Item = Sheet> {
        (1..=self.sheets).map(move |number| Sheet { batch: self, number })
    }

    fn number(self) -> u64 {
        self.lot * u64::from(SHEETS_MAX) + u64::from(self.sheets - 1)
    }

    fn of_number(number: u64) -> Option<Batch> {
        let (lot, sheets) = (number / u64::from(SHEETS_MAX), number % u64::from(SHEETS_MAX));
        (lot < LOTS).then_some(Batch { lot, sheets: sheets as u8 + 1 })
    }
}

impl Display for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut symbols = [0; SYMBOLS - 1];
        let mut rest = self.number();
        for symbol in symbols.iter_mut().rev() {
            *symbol = (rest % BASE) as u8;
            rest /= BASE;
        }
        for (place, value) in symbols.into_iter().chain([check_symbol(&symbols)]).enumerate() {
            let dash = if place == SYMBOLS / 2 { "-" } else { "" };
            write!(f, "{dash}{}", symbol(value))?;
        }
        Ok(())
    }
}

impl FromStr for Batch {
    type Err = CodeError;

    /// Takes what people write: small letters, spaces, dashes anywhere or nowhere.
    fn from_str(text: &str) -> Result<Batch, CodeError> {
        let symbols = read_checked::<SYMBOLS>(text)?;
        let counted = symbols.iter().take(SYMBOLS - 1);
        let number = counted.fold(0, |number, symbol| number * BASE + u64::from(*symbol));
        Batch::of_number(number).ok_or(CodeError::Check)
    }
}

impl Sheet {
    /// The batch it belongs to.
    pub(crate) fn batch(self) -> Batch {
        self.batch
    }

    /// Its number in the batch, from 1 on.
    pub(crate) fn number(self) -> u8 {
        self.number
    }

    /// The name of its draft: whoever opens a sheet twice types into the same form.
    pub(crate) fn draft(self) -> DraftName {
        let mut name = [0; 16];
        let (mark, rest) = name.split_at_mut(DRAFT_MARK.len());
        mark.copy_from_slice(DRAFT_MARK);
        let (batch, number) = rest.split_at_mut(8);
        batch.copy_from_slice(&self.batch.number().to_be_bytes());
        number.copy_from_slice(&u16::from(self.number).to_be_bytes());
        DraftName(name)
    }

    /// The sheet that a draft of a form is of.
    pub(crate) fn of_draft(form: FormTag, name: DraftName) -> Option<Sheet> {
        let rest = name.0.strip_prefix(DRAFT_MARK).filter(|_| form == FORM)?;
        let (batch, number) = rest.split_at_checked(8)?;
        let batch = Batch::of_number(u64::from_be_bytes(batch.try_into().ok()?))?;
        batch.sheet(u8::try_from(u16::from_be_bytes(number.try_into().ok()?)).ok()?)
    }

    /// Its content name in the store: what has it is taken once.
    pub(crate) fn content_name(self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"kentongan sheet 1");
        hash.update(FORM.to_be_bytes());
        hash.update(self.batch.number().to_be_bytes());
        hash.update([self.number]);
        hash.finalize().into()
    }
}

/// The form that is printed.
pub(crate) fn form() -> Option<&'static Form> {
    kentongan_protocol::form::builtin::by_tag(FORM)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_code_says_its_batch_however_it_is_typed(lot in 0..LOTS, sheets in 1..=SHEETS_MAX) {
            let batch = Batch { lot, sheets };
            let code = batch.to_string();
            prop_assert_eq!(code.len(), 9);
            prop_assert_eq!(code.parse(), Ok(batch));
            prop_assert_eq!(code.to_lowercase().replace('-', " ").parse(), Ok(batch));
        }

        #[test]
        fn a_sheet_is_known_by_the_name_of_its_draft(lot in 0..LOTS, sheets in 1..=SHEETS_MAX) {
            let batch = Batch { lot, sheets };
            for sheet in batch.all() {
                prop_assert_eq!(Sheet::of_draft(FORM, sheet.draft()), Some(sheet));
                prop_assert_eq!(Sheet::of_draft(FORM + 1, sheet.draft()), None, "of another form");
            }
            prop_assert!(batch.sheet(0).is_none() && batch.sheet(sheets + 1).is_none());
        }

        #[test]
        fn no_other_name_and_no_other_text_says_anything(name: [u8; 16], text in ".{0,40}") {
            prop_assert!(name.starts_with(DRAFT_MARK) || Sheet::of_draft(FORM, DraftName(name)).is_none());
            let _ = text.parse::<Batch>();
        }
    }

    #[test]
    fn one_wrong_symbol_is_caught() {
        let code = Batch { lot: 12_345, sheets: 20 }.to_string();
        let wrong = if code.ends_with('7') { "8" } else { "7" };
        assert_eq!(format!("{}{wrong}", &code[..8]).parse::<Batch>(), Err(CodeError::Check));
        assert_eq!(code[..8].parse::<Batch>(), Err(CodeError::Length { expected: 8, found: 7 }));
    }

    #[test]
    fn a_batch_has_from_one_to_fifty_sheets_each_with_a_name_of_its_own() {
        assert!(Batch::draw(0).is_none() && Batch::draw(SHEETS_MAX + 1).is_none());
        let (one, other) = (Batch { lot: 1, sheets: 50 }, Batch { lot: 2, sheets: 50 });
        let names: BTreeSet<[u8; 32]> = one.all().chain(other.all()).map(Sheet::content_name).collect();
        assert_eq!(names.len(), 100);
    }

    #[test]
    fn a_name_with_the_mark_and_nonsense_behind_it_is_no_sheet() {
        let mut name = Batch { lot: 1, sheets: 2 }.sheet(2).map(|sheet| sheet.draft().0).expect("a sheet");
        name[15] = 3;
        assert_eq!(Sheet::of_draft(FORM, DraftName(name)), None, "a number beyond the last");
        name[6] = 0xff;
        assert_eq!(Sheet::of_draft(FORM, DraftName(name)), None, "a batch that no code says");
    }
}
