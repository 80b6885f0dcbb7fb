//! A key as five words, for two people who compare it over the telephone.
//!
//! The office reads out what its screen shows, the operator looks at the console: whoever got hold of a code alone has
//! another key and other words. Words instead of digits, because people hear a wrong word and overhear a wrong digit.

use crate::certificate::fingerprint;

/// Words of a key.
const WORDS_SHOWN: usize = 5;

/// The words of an Ed25519 key, joined by dashes.
///
/// Five of two hundred: 38 bits. Whoever wants to be taken for the office would have to find a key with its words before
/// the two have hung up, without having seen the words.
pub fn five_words(public_key: &[u8; 32]) -> String {
    let mut text = b"kentongan five words 1 ".to_vec();
    text.extend(public_key);
    let sum = fingerprint(&text);
    let (pairs, _) = sum.as_chunks::<2>();
    let word = |pair: &[u8; 2]| WORDS[usize::from(u16::from_be_bytes(*pair)) % WORDS.len()];
    pairs.iter().take(WORDS_SHOWN).map(word).collect::<Vec<_>>().join("-")
}

/// Things that everybody knows. No two differ by one letter. Never changed: both sides must say the same.
const WORDS: [&str; 200] = [
    "air", "akar", "angin", "anting", "arus", "asap", "awan", "ayam", "bajak", "bakau", "bakso", "balai", "bambu",
    "bantal", "batik", "batu", "bawang", "bebek", "becak", "bedug", "belut", "benang", "benih", "beras", "beruang",
    "besi", "bibit", "bintang", "bola", "buah", "bubur", "bulan", "bumi", "bunga", "burung", "cabai", "cacing",
    "cangkir", "capung", "catur", "celana", "cemara", "cermin", "cincin", "cobek", "cokelat", "cuaca", "cuka", "dahan",
    "damar", "danau", "dapur", "dasi", "daun", "debu", "desa", "dinding", "domba", "dukuh", "durian", "duyung", "ekor",
    "elang", "emas", "ember", "embun", "enau", "engsel", "fajar", "gading", "gajah", "gambus", "garam", "garuda",
    "gelas", "gempa", "gendang", "gerbang", "gitar", "gong", "gula", "gunung", "gurita", "guru", "hutan", "ikan",
    "jagung", "jahe", "jamu", "janur", "jarum", "jati", "jembatan", "jendela", "jeruk", "joglo", "kabut", "kaca",
    "kain", "kambing", "kapas", "kayu", "kebun", "kecap", "kelapa", "keris", "kertas", "ketan", "ketupat", "kijang",
    "kolam", "kopi", "kotak", "kuali", "kuda", "kue", "kunci", "kunyit", "kursi", "labu", "ladang", "lampu", "langit",
    "laut", "layar", "lebah", "lemari", "lesung", "lilin", "logam", "lontar", "lumbung", "madu", "maleo", "mangga",
    "mawar", "meja", "melati", "menara", "mentega", "merak", "merpati", "minyak", "musang", "nanas", "nangka",
    "nelayan", "obor", "ombak", "padi", "paku", "panci", "pandan", "pantai", "papan", "parang", "pasar", "payung",
    "pedati", "pelangi", "perahu", "permen", "petani", "pintu", "piring", "pisang", "pulau", "pundak", "putri",
    "rambutan", "rebana", "rempah", "roda", "rotan", "rumah", "rumput", "rusa", "sabuk", "sagu", "sapi", "sarung",
    "sawah", "sawo", "semut", "senja", "sepeda", "siput", "suling", "surau", "teh", "teluk", "tikar", "timun", "tomat",
    "tugu", "udang", "ular", "ulos", "wajan", "wayang",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_its_words_for_ever() {
        assert_eq!(five_words(&[7; 32]), "pintu-bulan-sepeda-besi-jarum");
        assert_ne!(five_words(&[7; 32]), five_words(&[8; 32]));
    }

    #[test]
    fn no_word_can_be_taken_for_another() {
        for (place, one) in WORDS.iter().enumerate() {
            for other in &WORDS[place + 1..] {
                let differing = one.bytes().zip(other.bytes()).filter(|(a, b)| a != b).count();
                assert!(one.len() != other.len() || differing > 1, "{one} and {other}");
            }
        }
    }
}
