//! Names of things: each its own type, so that one can never be taken for another.
//!
//! Ids are 64 bits, drawn at random or, of logs, a hash. Two of them meet by chance once in four billion ids of one kind; a
//! log id is only ever compared within one hub, where that is never reached.

use std::fmt;
use std::str::FromStr;

use crate::error::Malformed;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl $name {
            /// The id as it stands on the wire and in stores: 8 bytes, big-endian.
            pub fn to_bytes(self) -> [u8; 8] {
                self.0.to_be_bytes()
            }

            /// From its 8 bytes.
            pub fn from_bytes(bytes: [u8; 8]) -> Self {
                Self(u64::from_be_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:016x}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:016x})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = Malformed;

            fn from_str(text: &str) -> Result<Self, Malformed> {
                let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
                match u64::from_str_radix(text, 16) {
                    Ok(id) if digits => Ok(Self(id)),
                    _ => Err(Malformed::new(concat!(stringify!($name), ": expected 16 hexadecimal digits"))),
                }
            }
        }
    };
}

id! {
    /// One enrolled installation of the agent (one PC). The hub is a replica too.
    ReplicaId
}
id! {
    /// One life of one process, from start to stop.
    RunId
}
id! {
    /// A log: the ops that one run wrote in one lane. It is never drawn but follows from what the log's head says, see
    /// [`LogHead::log`](crate::log::LogHead::log).
    LogId
}
id! {
    /// One start of a hub. Feed numbers are only comparable within the epochs that both sides know.
    EpochId
}

/// Name of an op: its log and its place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId {
    /// The log.
    pub log: LogId,
    /// Place in the log, from 1, without gaps.
    pub seq: u64,
}

impl fmt::Display for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.log, self.seq)
    }
}

impl FromStr for OpId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed = || Malformed::new("op id: expected 16 hexadecimal digits, '-', and a number from 1");
        let (log, seq) = text.split_once('-').ok_or_else(malformed)?;
        let seq = seq.parse().map_err(|_| malformed())?;
        if seq == 0 {
            return Err(malformed());
        }
        Ok(OpId { log: log.parse()?, seq })
    }
}

/// Name of a record: the op that created it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub OpId);

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RecordId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        text.parse().map(RecordId)
    }
}

/// Priority class of a log. Few and fixed; the smaller number goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// What must overtake everything: escalations, complaints about extortion or violence.
    Urgent = 0,
    /// Complaints and the work on them.
    Case = 1,
    /// Survey answers.
    Survey = 2,
    /// Reference data and everything that can wait.
    Bulk = 3,
}

impl Lane {
    /// All lanes, in the order they are sent.
    pub const ALL: [Lane; 4] = [Lane::Urgent, Lane::Case, Lane::Survey, Lane::Bulk];

    /// From its number on the wire.
    pub fn from_number(number: u8) -> Option<Lane> {
        Lane::ALL.get(usize::from(number)).copied()
    }
}

/// Code of an office: an area code of the civil administration (`PP`, `PP.RR`, `PP.RR.DD` or `PP.RR.DD.VVVV`),
/// followed, where several offices share an area, by `-` and up to 8 letters or digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfficeCode(String);

impl OfficeCode {
    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The area part, without the suffix.
    pub fn area(&self) -> &str {
        self.0.split('-').next().unwrap_or(&self.0)
    }

    /// Code of the regency or city, if the area is that fine.
    pub fn regency(&self) -> Option<&str> {
        self.area().get(..5)
    }

    /// Code of the district, if the area is that fine.
    pub fn district(&self) -> Option<&str> {
        self.area().get(..8)
    }
}

impl fmt::Display for OfficeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for OfficeCode {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (area, suffix) = match text.split_once('-') {
            Some((area, suffix)) => (area, Some(suffix)),
            None => (text, None),
        };
        let suffix_fits =
            suffix.is_none_or(|s| (1..=8).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric()));
        if !is_area_code(area) || !suffix_fits {
            return Err(Malformed::new(
                "office code: expected an area code such as 32.73.05.1001, optionally with -NAME",
            ));
        }
        Ok(OfficeCode(text.to_owned()))
    }
}

/// Whether `text` is an area code: two digits for the province, regency and district, four for the village.
pub fn is_area_code(text: &str) -> bool {
    let widths = [2, 2, 2, 4];
    let parts: Vec<&str> = text.splitn(5, '.').collect();
    parts.len() <= widths.len()
        && parts.iter().zip(widths).all(|(part, width)| part.len() == width && part.bytes().all(|b| b.is_ascii_digit()))
}

/// Whom a part of the feed concerns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Every office.
    Everyone,
    /// All offices of a regency or city.
    Regency(String),
    /// All offices of a district.
    District(String),
    /// One office.
    Office(OfficeCode),
}

impl Topic {
    /// The topics an office listens to, the widest first.
    pub fn of_office(office: &OfficeCode) -> Vec<Topic> {
        let mut topics = vec![Topic::Everyone];
        topics.extend(office.regency().map(|code| Topic::Regency(code.to_owned())));
        topics.extend(office.district().map(|code| Topic::District(code.to_owned())));
        topics.push(Topic::Office(office.clone()));
        topics
    }

    /// The kind, as it stands on the wire: which area is meant follows from the office that asks.
    pub fn kind(&self) -> TopicKind {
        match self {
            Topic::Everyone => TopicKind::Everyone,
            Topic::Regency(_) => TopicKind::Regency,
            Topic::District(_) => TopicKind::District,
            Topic::Office(_) => TopicKind::Office,
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Topic::Everyone => f.write_str("everyone"),
            Topic::Regency(code) => write!(f, "regency:{code}"),
            Topic::District(code) => write!(f, "district:{code}"),
            Topic::Office(code) => write!(f, "office:{code}"),
        }
    }
}

/// Kind of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TopicKind {
    /// Every office.
    Everyone = 0,
    /// The office's regency or city.
    Regency = 1,
    /// The office's district.
    District = 2,
    /// The office itself.
    Office = 3,
}

impl TopicKind {
    /// From its number on the wire.
    pub fn from_number(number: u8) -> Option<TopicKind> {
        [TopicKind::Everyone, TopicKind::Regency, TopicKind::District, TopicKind::Office]
            .get(usize::from(number))
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_office_code_knows_its_district_and_regency() {
        let office: OfficeCode = "32.73.05.1001-PKM1".parse().unwrap();
        assert_eq!(office.regency(), Some("32.73"));
        assert_eq!(office.district(), Some("32.73.05"));
        assert_eq!(office.area(), "32.73.05.1001");
        let topics: Vec<String> = Topic::of_office(&office).iter().map(Topic::to_string).collect();
        assert_eq!(topics, ["everyone", "regency:32.73", "district:32.73.05", "office:32.73.05.1001-PKM1"]);
    }

    #[test]
    fn what_is_not_an_area_is_no_office() {
        for text in ["", "32.", "3273", "32.73.05.101", "32.73.05.1001.1", "32.73.05.1001-", "32.73-A B", "aa.bb"] {
            assert!(text.parse::<OfficeCode>().is_err(), "{text}");
        }
        assert!("32".parse::<OfficeCode>().is_ok());
    }

    #[test]
    fn ids_come_back_from_their_text() {
        let id: OpId = "00000000000000ff-12".parse().unwrap();
        assert_eq!(id, OpId { log: LogId(255), seq: 12 });
        assert_eq!(id.to_string().parse::<OpId>().unwrap(), id);
        for text in ["ff-1", "00000000000000ff-0", "00000000000000ff", "+0000000000000ff-1"] {
            assert!(text.parse::<OpId>().is_err(), "{text}");
        }
    }
}
