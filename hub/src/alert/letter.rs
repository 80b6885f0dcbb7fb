//! What is sent: the same content as words for people and as a document for programs.

use kentongan_host::output::pick;
use kentongan_host::{Lang, moment};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::text::{sentence, spoken_list};
use super::trouble::{Due, Trouble};

/// Troubles that a list names; the others are counted.
const NAMED_MAX: usize = 30;

/// What a letter is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// Something began or ended.
    #[serde(rename = "alerts.changed")]
    Changed,
    /// What is open, once a day.
    #[serde(rename = "alerts.digest")]
    Digest,
    /// Somebody wants to see whether letters arrive.
    #[serde(rename = "alerts.test")]
    Test,
}

/// A letter to everybody who is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Letter {
    /// Its name: who gets it twice knows it by that.
    pub id: String,
    /// What it is about.
    pub what: What,
    /// When it was written, milliseconds since 1970.
    pub at: i64,
    /// What people call the hub.
    pub hub: String,
    /// What began.
    pub began: Some30,
    /// What is over.
    pub ended: Some30,
    /// What is open; only in a digest.
    pub open: Some30,
    /// How many troubles are open.
    pub open_count: u64,
    /// Complaints by their day.
    pub due: Due,
}

/// Up to thirty troubles, and how many more there are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Some30 {
    /// The first of them.
    pub troubles: Vec<Trouble>,
    /// So many more.
    pub more: u64,
}

impl Some30 {
    /// The first thirty of them all.
    pub fn of(mut troubles: Vec<Trouble>) -> Some30 {
        let more = troubles.len().saturating_sub(NAMED_MAX) as u64;
        troubles.truncate(NAMED_MAX);
        Some30 { troubles, more }
    }

    fn count(&self) -> u64 {
        self.troubles.len() as u64 + self.more
    }
}

impl Letter {
    /// One that only shows that letters arrive.
    pub fn test(id: String, hub: String, at_ms: i64) -> Letter {
        let (began, ended, open) = Default::default();
        Letter { id, what: What::Test, at: at_ms, hub, began, ended, open, open_count: 0, due: Due::default() }
    }

    /// One line that says what it is about.
    pub fn subject(&self, lang: Lang) -> String {
        let (began, ended) = (self.began.count(), self.ended.count());
        let said = match (self.what, began, ended) {
            (What::Test, ..) => pick(lang, "percobaan", "test").to_owned(),
            (What::Digest, ..) => match lang {
                Lang::Id => format!("ringkasan, {} masalah", self.open_count),
                Lang::En => format!("digest, {} open", self.open_count),
            },
            // One trouble is told in the subject itself: it is read on a telephone.
            (What::Changed, 1, 0) => self.began.troubles.first().map(|only| sentence(only, lang)).unwrap_or_default(),
            (What::Changed, 0, _) => match lang {
                Lang::Id => format!("{ended} masalah selesai"),
                Lang::En => format!("{ended} over"),
            },
            (What::Changed, ..) => match lang {
                Lang::Id => format!("{began} masalah baru, {ended} selesai"),
                Lang::En => format!("{began} new, {ended} over"),
            },
        };
        // A header is one line, whatever somebody called the hub.
        let line: String = format!("[Kentongan] {}: {said}", self.hub).chars().filter(|c| !c.is_control()).collect();
        line.chars().take(200).collect()
    }

    /// The letter for a person. `console` is where they look further, if that is known.
    pub fn words(&self, lang: Lang, console: &str) -> String {
        let mut text = format!("{} – {}\n", self.hub, moment::spoken(lang, self.at));
        if self.what == What::Test {
            text.push_str(pick(
                lang,
                "\nIni percobaan: peringatan pusat ini sampai kepada Anda.\n",
                "\nThis is a test: alerts of this hub reach you.\n",
            ));
        }
        let lists =
            [(&self.began, "Baru", "New"), (&self.ended, "Selesai", "Over"), (&self.open, "Belum selesai", "Open")];
        for (some, id, en) in lists {
            text.push_str(&spoken_list(some, pick(lang, id, en), lang));
        }
        let Due { late, today, tomorrow } = self.due;
        if self.what == What::Digest && late + today + tomorrow > 0 {
            text.push_str(&match lang {
                Lang::Id => {
                    format!("\nPengaduan: {late} lewat tenggat, {today} jatuh tempo hari ini, {tomorrow} besok.\n")
                }
                Lang::En => format!("\nComplaints: {late} overdue, {today} due today, {tomorrow} tomorrow.\n"),
            });
        }
        if !console.is_empty() {
            text.push_str(&format!("\n{}: {console}/\n", pick(lang, "Konsol", "Console")));
        }
        text
    }

    /// The letter for a program.
    pub fn document(&self) -> Value {
        let said = |some: &Some30| -> Vec<Value> { some.troubles.iter().map(document_of).collect() };
        let list = |some: &Some30| json!({ "troubles": said(some), "more": some.more });
        json!({
            "type": self.what,
            "timestamp": moment::text(self.at),
            "data": {
                "hub": self.hub,
                "text": { "id": self.subject(Lang::Id), "en": self.subject(Lang::En) },
                "began": list(&self.began),
                "ended": list(&self.ended),
                "open": list(&self.open),
                "open_count": self.open_count,
                "complaints": self.due,
            },
        })
    }
}

fn document_of(trouble: &Trouble) -> Value {
    let mut document = json!(trouble);
    document["text"] = json!({ "id": sentence(trouble, Lang::Id), "en": sentence(trouble, Lang::En) });
    document
}
