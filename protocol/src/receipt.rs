//! The receipt code a citizen takes home, and the alphabet it shares with enrolment codes.
//!
//! `KTG-7K3M-Q2H9D-R`: four symbols of the replica's prefix, five of a random serial number, one check symbol. It is
//! read aloud over the telephone and copied by hand, so the alphabet leaves out 0 O 1 I L, and the check symbol catches
//! every single wrong symbol and every two that changed places. A code made of chance symbols passes once in 31.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::form::Lang;

/// The symbols, in the order of their values 0 to 30. 31 is a prime: that is what makes the check symbol complete.
pub const ALPHABET: &[u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";
/// Most symbols, the check symbol included, for which [`check_symbol`] catches what it promises.
pub const CHECKED_SYMBOLS_MAX: usize = 30;

const BASE: u64 = 31;
/// How many prefixes there are: four symbols.
pub const PREFIXES: u32 = 31 * 31 * 31 * 31;
/// How many serial numbers there are under one prefix: five symbols.
pub const SERIALS: u32 = PREFIXES * 31;
/// Symbols of a code without `KTG`: prefix, serial number, check.
const CODE_SYMBOLS: usize = 10;
/// `KTG`, by the values of its symbols.
const MARK: [u8; 3] = [17, 24, 14];

/// A receipt code. On the wire and in stores it is one number, [`ReceiptCode::number`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReceiptCode(u64);

impl ReceiptCode {
    /// The code for a serial number below [`SERIALS`].
    pub fn new(prefix: Prefix, serial_number: u32) -> Option<ReceiptCode> {
        let number = u64::from(prefix.0) * u64::from(SERIALS) + u64::from(serial_number);
        (serial_number < SERIALS).then_some(ReceiptCode(number))
    }

    /// The nine symbols before the check symbol, read as one number to the base 31; below 31^9.
    pub fn number(self) -> u64 {
        self.0
    }

    /// From its number.
    pub fn from_number(number: u64) -> Option<ReceiptCode> {
        (number < u64::from(PREFIXES) * u64::from(SERIALS)).then_some(ReceiptCode(number))
    }

    /// Prefix of the replica that gave the code.
    pub fn prefix(self) -> Prefix {
        let [a, b, c, d, ..] = self.symbols();
        Prefix(to_number(&[a, b, c, d]) as u32)
    }

    /// Whether it was given in training: no complaint stands behind it, anywhere.
    pub fn is_of_training(self) -> bool {
        self.prefix() == Prefix::TRAINING
    }

    /// Serial number under the prefix.
    pub fn serial_number(self) -> u32 {
        (self.0 % u64::from(SERIALS)) as u32
    }

    /// The values of all ten symbols.
    fn symbols(self) -> [u8; CODE_SYMBOLS] {
        let [a, b, c, d, e, f, g, h, i] = to_symbols::<9>(self.0);
        [a, b, c, d, e, f, g, h, i, check_symbol(&[a, b, c, d, e, f, g, h, i])]
    }
}

impl fmt::Display for ReceiptCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p1, p2, p3, p4, s1, s2, s3, s4, s5, check] = self.symbols().map(symbol);
        write!(f, "KTG-{p1}{p2}{p3}{p4}-{s1}{s2}{s3}{s4}{s5}-{check}")
    }
}

impl FromStr for ReceiptCode {
    type Err = CodeError;

    /// Takes what people write: small letters, spaces, dashes anywhere or nowhere, with or without `KTG`.
    fn from_str(text: &str) -> Result<Self, CodeError> {
        let mut symbols = [0; MARK.len() + CODE_SYMBOLS];
        let found = read_symbols(text, &mut symbols)?;
        let (mark, after_mark) = symbols.split_at(MARK.len());
        let marked = mark == MARK && found != CODE_SYMBOLS;
        let (code, found) = if marked { (after_mark, found.saturating_sub(MARK.len())) } else { (&symbols[..], found) };
        match code {
            [a, b, c, d, e, f, g, h, i, check, ..] if found == CODE_SYMBOLS => {
                let number = [*a, *b, *c, *d, *e, *f, *g, *h, *i];
                if check_symbol(&number) != *check {
                    return Err(CodeError::Check);
                }
                Ok(ReceiptCode(to_number(&number)))
            }
            _ => Err(CodeError::Length { expected: CODE_SYMBOLS, found }),
        }
    }
}

/// The four symbols that the hub gives a replica at enrolment: its receipt codes begin with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix(u32);

impl Prefix {
    /// `ZZZZ`, under which codes are given in training, at every office. No hub gives it to a replica and no replica takes
    /// it from a hub, so a code of training is never that of a citizen.
    pub const TRAINING: Prefix = Prefix(PREFIXES - 1);

    /// The prefix with this number, below [`PREFIXES`].
    pub fn new(number: u32) -> Option<Prefix> {
        (number < PREFIXES).then_some(Prefix(number))
    }

    /// Its number.
    pub fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = to_symbols::<4>(self.0.into()).map(symbol);
        write!(f, "{a}{b}{c}{d}")
    }
}

impl FromStr for Prefix {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let mut symbols = [0; 4];
        match read_symbols(text, &mut symbols)? {
            4 => Ok(Prefix(to_number(&symbols) as u32)),
            found => Err(CodeError::Length { expected: 4, found }),
        }
    }
}

/// Why a text is no code. The sentences fit receipt codes and enrolment codes alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{}", self.sentence(Lang::En))]
pub enum CodeError {
    /// A symbol that codes leave out because it is taken for another: 0, O, 1, I or L.
    Confusable {
        /// The symbol, as a capital.
        found: char,
    },
    /// A symbol that is neither a letter nor a digit.
    NotASymbol {
        /// The symbol.
        found: char,
    },
    /// Too few or too many symbols.
    Length {
        /// Symbols of a code, without dashes and `KTG`.
        expected: usize,
        /// Symbols found.
        found: usize,
    },
    /// The check symbol does not fit: at least one symbol is wrong, or two changed places.
    Check,
}

impl CodeError {
    /// In words that a clerk understands, with what to look at.
    pub fn sentence(&self, lang: Lang) -> String {
        match (self, lang) {
            (CodeError::Confusable { found }, Lang::Id) => {
                let hint = look_alikes(*found, "atau");
                format!("Kode tidak memakai {found}. Periksa lagi: mungkin {hint}.")
            }
            (CodeError::Confusable { found }, Lang::En) => {
                let hint = look_alikes(*found, "or");
                format!("Codes do not use {found}. Look again: it may be {hint}.")
            }
            (CodeError::NotASymbol { found }, Lang::Id) => {
                format!("Kode hanya berisi huruf dan angka, bukan {}.", found.escape_debug())
            }
            (CodeError::NotASymbol { found }, Lang::En) => {
                format!("A code has letters and digits only, not {}.", found.escape_debug())
            }
            (CodeError::Length { expected, found }, Lang::Id) => {
                format!("Kode harus {expected} huruf dan angka, ini {found}.")
            }
            (CodeError::Length { expected, found }, Lang::En) => {
                format!("A code has {expected} letters and digits, this has {found}.")
            }
            (CodeError::Check, Lang::Id) => "Ada yang salah ketik di kode ini. Periksa satu per satu.".to_owned(),
            (CodeError::Check, Lang::En) => {
                "Something in this code is mistyped. Compare it symbol by symbol.".to_owned()
            }
        }
    }
}

/// Symbols of the alphabet that a hand-written `0 O 1 I L` is likely to have been.
fn look_alikes(found: char, or: &str) -> String {
    match found {
        '0' | 'O' => format!("Q, D {or} 8"),
        '1' | 'I' => format!("7, J {or} T"),
        _ => format!("J, E {or} 7"),
    }
}

/// The check symbol for a row of symbols, given and returned as values 0 to 30 (see [`symbol`]).
///
/// The weighted sum of all symbols, the check symbol with them, is 0 modulo 31. The weights are distinct and not 0, so
/// the sum changes with every single substitution and with every swap of two different symbols, as long as there are
/// at most [`CHECKED_SYMBOLS_MAX`] symbols with the check symbol; in longer rows some swaps pass.
pub fn check_symbol(symbols: &[u8]) -> u8 {
    // The check symbol itself has weight 1.
    let weights = (2..BASE).cycle();
    let sum = symbols.iter().zip(weights).fold(0, |sum, (symbol, weight)| (sum + u64::from(*symbol) * weight) % BASE);
    ((BASE - sum) % BASE) as u8
}

/// The symbol with this value; values from 31 up begin again at 0.
pub fn symbol(value: u8) -> char {
    char::from(ALPHABET[usize::from(value) % ALPHABET.len()])
}

/// The value of a symbol, in either case.
pub fn symbol_value(symbol: char) -> Result<u8, CodeError> {
    let found = symbol.to_ascii_uppercase();
    let place = ALPHABET.iter().position(|known| char::from(*known) == found);
    match (place, found) {
        (Some(place), _) => Ok(place as u8),
        (None, '0' | 'O' | '1' | 'I' | 'L') => Err(CodeError::Confusable { found }),
        (None, _) => Err(CodeError::NotASymbol { found }),
    }
}

/// Reads the values of the symbols in `text` into `into`, passing over white space and dashes. Returns how many
/// symbols there were; those that find no room in `into` are only counted.
pub fn read_symbols(text: &str, into: &mut [u8]) -> Result<usize, CodeError> {
    let mut room = into.iter_mut();
    let mut found = 0;
    for character in text.chars().filter(|c| !is_separator(*c)) {
        let value = symbol_value(character)?;
        if let Some(place) = room.next() {
            *place = value;
        }
        found += 1;
    }
    Ok(found)
}

/// Reads a code of exactly `N` symbols of which the last is the check symbol; returns the values of all `N`.
pub fn read_checked<const N: usize>(text: &str) -> Result<[u8; N], CodeError> {
    let mut symbols = [0; N];
    let found = read_symbols(text, &mut symbols)?;
    if found != N {
        return Err(CodeError::Length { expected: N, found });
    }
    match symbols.split_last() {
        Some((check, rest)) if check_symbol(rest) == *check => Ok(symbols),
        _ => Err(CodeError::Check),
    }
}

/// White space, and every stroke that word processors and telephones make of a dash.
fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '\u{ad}' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{ff0d}')
}

fn to_number(symbols: &[u8]) -> u64 {
    symbols.iter().fold(0, |number, symbol| number * BASE + u64::from(*symbol))
}

fn to_symbols<const N: usize>(mut number: u64) -> [u8; N] {
    let mut symbols = [0; N];
    for symbol in symbols.iter_mut().rev() {
        *symbol = (number % BASE) as u8;
        number /= BASE;
    }
    symbols
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn code(text: &str) -> Result<ReceiptCode, CodeError> {
        text.parse()
    }

    /// A row of values that ends in its check symbol; different at each place and for each seed.
    fn checked_row(length: usize, seed: usize) -> Vec<u8> {
        let mut row: Vec<u8> =
            (0..length - 1).map(|place| ((place * 7 + seed * 11 + place * seed) % 31) as u8).collect();
        row.push(check_symbol(&row));
        row
    }

    fn passes(row: &[u8]) -> bool {
        row.split_last().is_some_and(|(check, rest)| check_symbol(rest) == *check)
    }

    #[test]
    fn every_single_substitution_is_caught_at_every_length() {
        for length in 2..=CHECKED_SYMBOLS_MAX {
            for seed in 0..31 {
                let mut row = checked_row(length, seed);
                assert!(passes(&row));
                for place in 0..length {
                    let right = row[place];
                    for wrong in (0..31).filter(|value| *value != right) {
                        row[place] = wrong;
                        assert!(!passes(&row), "length {length}, place {place}, {right} -> {wrong}");
                    }
                    row[place] = right;
                }
            }
        }
    }

    #[test]
    fn every_swap_of_two_symbols_is_caught() {
        // How far a row is from passing. A swap that changes it turns every row that passes into one that does not.
        let distance = |row: &[u8]| {
            let (check, rest) = row.split_last().unwrap();
            (31 + check_symbol(rest) - check) % 31
        };
        // Shorter rows use the first weights of the longest one, so the lengths in use and the longest are all cases.
        for length in [2, 10, 20, CHECKED_SYMBOLS_MAX] {
            let mut row = vec![0; length];
            for (i, j) in (0..length).flat_map(|j| (0..j).map(move |i| (i, j))) {
                for (a, b) in (0..31).flat_map(|a| (0..31).map(move |b| (a, b))).filter(|(a, b)| a != b) {
                    (row[i], row[j]) = (a, b);
                    let before = distance(&row);
                    row.swap(i, j);
                    assert_ne!(before, distance(&row), "length {length}, {a} at {i} and {b} at {j}");
                }
                (row[i], row[j]) = (0, 0);
            }
        }
    }

    #[test]
    fn every_prefix_is_its_own_four_symbols() {
        let texts: BTreeSet<String> = (0..PREFIXES).step_by(97).map(|n| Prefix::new(n).unwrap().to_string()).collect();
        assert_eq!(texts.len(), PREFIXES.div_ceil(97) as usize);
        for number in 0..PREFIXES {
            assert_eq!(to_number(&to_symbols::<4>(number.into())), u64::from(number));
        }
        assert_eq!(Prefix::new(PREFIXES), None);
        assert_eq!("7k3m".parse::<Prefix>(), Ok(Prefix::new(to_number(&[5, 17, 1, 18]) as u32).unwrap()));
        assert_eq!("7k3".parse::<Prefix>(), Err(CodeError::Length { expected: 4, found: 3 }));
    }

    #[test]
    fn a_code_has_the_shape_on_the_receipt() {
        let prefix: Prefix = "7K3M".parse().unwrap();
        let text = ReceiptCode::new(prefix, to_number(&[21, 0, 15, 7, 11]) as u32).unwrap().to_string();
        assert_eq!(text.get(..15), Some("KTG-7K3M-Q2H9D-"));
        assert_eq!(code(&text).unwrap().prefix(), prefix);
        assert_eq!(ReceiptCode::new(prefix, SERIALS), None);
        assert_eq!(ReceiptCode::from_number(u64::from(PREFIXES) * u64::from(SERIALS)), None);
        let last = ReceiptCode::new(Prefix::new(PREFIXES - 1).unwrap(), SERIALS - 1).unwrap();
        assert_eq!(last.to_string().get(..15), Some("KTG-ZZZZ-ZZZZZ-"));
    }

    #[test]
    fn codes_of_training_are_known_by_their_first_symbols() {
        assert_eq!(Prefix::TRAINING.to_string(), "ZZZZ");
        let given = |prefix| ReceiptCode::new(prefix, 19_543_217).unwrap();
        assert!(given(Prefix::TRAINING).is_of_training());
        assert!(!given(Prefix::new(PREFIXES - 2).unwrap()).is_of_training());
    }

    #[test]
    fn a_code_is_read_however_people_write_it() {
        let right = ReceiptCode::new("7K3M".parse().unwrap(), 19_543_217).unwrap();
        let plain: String = right.to_string().replace('-', "");
        let bare = plain.strip_prefix("KTG").unwrap();
        for text in [
            right.to_string(),
            right.to_string().to_lowercase(),
            right.to_string().replace('-', " "),
            right.to_string().replace('-', "\u{2013}"),
            format!("  {right}\n"),
            plain.clone(),
            bare.to_owned(),
            bare.to_lowercase(),
            format!("ktg {bare}"),
            bare.chars().flat_map(|c| [c, ' ']).collect(),
        ] {
            assert_eq!(code(&text), Ok(right), "{text:?}");
        }
    }

    #[test]
    fn a_prefix_that_reads_ktg_is_not_taken_for_the_mark() {
        let right = ReceiptCode::new("KTG7".parse().unwrap(), 12_345).unwrap();
        let plain = right.to_string().replace('-', "");
        assert_eq!(code(&plain), Ok(right));
        assert_eq!(code(plain.strip_prefix("KTG").unwrap()), Ok(right));
    }

    #[test]
    fn symbols_that_look_like_others_are_refused_with_a_hint() {
        for found in ['0', 'O', '1', 'I', 'L'] {
            let text = format!("KTG-7K3M-Q2H9D-{}", found.to_ascii_lowercase());
            let error = code(&text).unwrap_err();
            assert_eq!(error, CodeError::Confusable { found });
            for lang in [Lang::Id, Lang::En] {
                let sentence = error.sentence(lang);
                let (_, hint) = sentence.split_once(": ").unwrap();
                let suggested: Vec<char> =
                    hint.chars().filter(|c| c.is_ascii_uppercase() || c.is_ascii_digit()).collect();
                assert_eq!(suggested.len(), 3, "{sentence}");
                assert!(suggested.iter().all(|c| symbol_value(*c).is_ok()), "{sentence}");
            }
        }
    }

    #[test]
    fn each_kind_of_wrong_code_has_its_own_error() {
        let right = ReceiptCode::new("7K3M".parse().unwrap(), 1).unwrap().to_string();
        let length = |found| Err(CodeError::Length { expected: 10, found });
        assert_eq!(code(""), length(0));
        assert_eq!(code("KTG"), length(0));
        assert_eq!(code("7K3"), length(3));
        assert_eq!(code(&right[..right.len() - 2]), length(9));
        assert_eq!(code(&format!("{right}22")), length(12));
        assert_eq!(code(&"2".repeat(13)), length(13));
        assert_eq!(code(&"2".repeat(100_000)), length(100_000));
        assert_eq!(code("KTG-7K3M-Q2H9D-!"), Err(CodeError::NotASymbol { found: '!' }));
        let wrong = symbol(symbol_value(right.chars().next_back().unwrap()).unwrap() + 1);
        assert_eq!(code(&format!("{}{wrong}", &right[..right.len() - 1])), Err(CodeError::Check));
    }

    #[test]
    fn an_enrolment_code_of_twenty_symbols_is_read_and_checked() {
        let row = checked_row(20, 3);
        let text: String = row.iter().map(|value| symbol(*value)).collect();
        assert_eq!(read_checked::<20>(&text.to_lowercase()).unwrap().to_vec(), row);
        assert_eq!(read_checked::<20>(&text[1..]), Err(CodeError::Length { expected: 20, found: 19 }));
        assert_eq!(read_checked::<0>(""), Err(CodeError::Check));
    }

    proptest! {
        #[test]
        fn every_code_comes_back_from_its_text_and_number(prefix in 0..PREFIXES, serial_number in 0..SERIALS) {
            let prefix = Prefix::new(prefix).unwrap();
            let right = ReceiptCode::new(prefix, serial_number).unwrap();
            prop_assert_eq!(code(&right.to_string()), Ok(right));
            prop_assert_eq!(ReceiptCode::from_number(right.number()), Some(right));
            prop_assert_eq!((right.prefix(), right.serial_number()), (prefix, serial_number));
        }

        #[test]
        fn any_text_is_a_code_or_an_error(text in any::<String>()) {
            let _ = code(&text).map_err(|error| (error.sentence(Lang::Id), error.to_string()));
        }
    }
}
