//! Hours that come every day: `off`, `always`, `22:00-05:00`, `06:00-08:00, 17:00-24:00`.

use std::fmt;

/// Minutes of a day.
pub const DAY_MIN: u16 = 24 * 60;

/// Hours of every day. Written with a beginning after the end, they go over midnight.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hours {
    /// From which minute of the day to before which other, in order.
    spans: Vec<(u16, u16)>,
}

impl Hours {
    /// As people write them; `None` if they are not.
    pub fn parse(text: &str) -> Option<Hours> {
        let mut spans = Vec::new();
        match text.trim() {
            "off" => {}
            "always" => spans.push((0, DAY_MIN)),
            text => {
                for span in text.split(',') {
                    let (from, to) = span.split_once('-')?;
                    match (minute(from.trim())?, minute(to.trim())?) {
                        (from, to) if from < to => spans.push((from, to)),
                        (from, to) if from > to && from < DAY_MIN => spans.extend([(from, DAY_MIN), (0, to)]),
                        _ => return None,
                    }
                }
            }
        }
        spans.sort_unstable();
        Some(Hours { spans })
    }

    /// Whether a minute of the day is one of theirs.
    pub fn contain(&self, minute: u16) -> bool {
        self.spans.iter().any(|(from, to)| (*from..*to).contains(&minute))
    }

    /// Minutes from a minute of the day until they do not hold any more: 0 if they do not then, `None` if they always do.
    pub fn left_min(&self, minute: u16) -> Option<u16> {
        (0..DAY_MIN).find(|later| !self.contain((minute + later) % DAY_MIN))
    }
}

impl fmt::Display for Hours {
    /// As they are written: `off`, `always`, or each span of the day in order.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.spans.as_slice() {
            [] => f.write_str("off"),
            [(0, DAY_MIN)] => f.write_str("always"),
            spans => spans.iter().enumerate().try_for_each(|(place, (from, to))| {
                let part = if place > 0 { ", " } else { "" };
                write!(f, "{part}{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
            }),
        }
    }
}

/// `HH:MM` with two digits each, up to `24:00`.
fn minute(text: &str) -> Option<u16> {
    let part = |digits: &str| {
        let two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_: &u16| two)
    };
    let (hour, minute) = text.split_once(':')?;
    let minute = part(minute).filter(|minute| *minute < 60)?;
    Some(part(hour)? * 60 + minute).filter(|minute| *minute <= DAY_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read_as_the_same() {
        for text in ["off", "always", "22:00-05:00", "06:00-08:00, 17:30-24:00"] {
            let hours = Hours::parse(text).expect("hours");
            assert_eq!(Hours::parse(&hours.to_string()), Some(hours), "{text}");
        }
    }

    #[test]
    fn hours_hold_every_day_and_may_go_over_midnight() {
        let night = Hours::parse("22:00-05:00").expect("hours");
        assert!(night.contain(22 * 60) && night.contain(0) && night.contain(5 * 60 - 1));
        assert!(!night.contain(5 * 60) && !night.contain(21 * 60 + 59));
        assert_eq!(night.left_min(23 * 60), Some(6 * 60), "midnight does not end them");
        assert_eq!(night.left_min(12 * 60), Some(0));
        let office = Hours::parse("13:00-24:00, 08:00-12:00").expect("hours");
        assert!(office.contain(8 * 60) && office.contain(DAY_MIN - 1) && !office.contain(12 * 60 + 30));
        let always = Hours::parse("always").expect("hours");
        assert_eq!((always.left_min(0), always.left_min(DAY_MIN - 1)), (None, None));
        assert_eq!(Hours::parse(" off "), Some(Hours::default()));
    }

    #[test]
    fn what_are_no_hours_is_refused() {
        for bad in [
            "",
            "22:00",
            "22-05",
            "22:00-25:00",
            "22:60-23:00",
            "08:00-08:00",
            "2:00-3:00",
            "08:00-09:00,",
            "24:00-05:00",
            "malam",
            "-1:00-02:00",
            "24:01-24:30",
            "99:00-01:00",
        ] {
            assert_eq!(Hours::parse(bad), None, "{bad}");
        }
    }
}
