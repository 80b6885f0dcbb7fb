//! For how long the disk is enough, if this PC goes on as it did of late. Pure arithmetic over what the store and the disk
//! say; a guess is told only where there is something to guess from.

use kentongan_host::Lang;
use serde_json::{Value, json};

use crate::store::Growth;

/// From here on nobody counts any more, in days.
const DAYS_MAX: u64 = 730;
/// Below this many days a person should do something: time enough to order a disk, or to have somebody come.
const LOW_DAYS: u64 = 60;
/// From here on people count in weeks, and above [`LOW_DAYS`] in months, in days.
const WEEKS_FROM_DAYS: u64 = 14;

/// The one next step of a disk that fills.
pub(crate) const NEXT: [&str; 2] = ["Kosongkan ruang di disk ini.", "Make room on this disk."];

/// How the room on the disk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Room {
    /// Nobody can say: the disk does not tell, or this PC has not been in use for long enough.
    #[default]
    Unknown,
    /// Less is free than there should be.
    Short,
    /// Enough for about so many days, fewer than 730.
    Days(u16),
    /// Enough for two years at least.
    Long,
}

impl Room {
    /// With `free` bytes on the disk, of which `min_free` are to stay free, and what was stored of late.
    pub(crate) fn of(free: Option<u64>, min_free: u64, growth: Option<Growth>) -> Room {
        let Some(free) = free else { return Room::Unknown };
        let Some(left) = free.checked_sub(min_free) else { return Room::Short };
        let Some(growth) = growth else { return Room::Unknown };
        // What fills in no time at all lasts for ever.
        let days = u128::from(left) * u128::from(growth.days) / u128::from(growth.bytes.max(1));
        match u16::try_from(days) {
            Ok(days) if u64::from(days) < DAYS_MAX => Room::Days(days),
            _ => Room::Long,
        }
    }

    /// Whether a person should do something about it.
    pub(crate) fn is_low(self) -> bool {
        matches!(self, Room::Short) || matches!(self, Room::Days(days) if u64::from(days) < LOW_DAYS)
    }

    /// In a sentence, with the next step if there is one; `None`: nothing is known.
    pub(crate) fn sentence(self, lang: Lang) -> Option<String> {
        let pick = |id: String, en: String| if lang == Lang::Id { id } else { en };
        let enough = |id: &str, en: &str| pick(format!("Penyimpanan cukup untuk {id}."), format!("Storage for {en}."));
        let said = match self {
            Room::Unknown => return None,
            Room::Short => pick("Ruang kosong di disk hampir habis.".into(), "The disk is nearly full.".into()),
            Room::Long => enough("lebih dari 2 tahun", "more than 2 years"),
            Room::Days(days) => {
                let (n, id, en) = counted(u64::from(days));
                let plural = if n == 1 { "" } else { "s" };
                enough(&format!("± {n} {id}"), &format!("± {n} {en}{plural}"))
            }
        };
        let [id, en] = NEXT;
        Some(if self.is_low() { format!("{said} {}", if lang == Lang::Id { id } else { en }) } else { said })
    }

    /// As `status --json` says it: `days` is `null` from two years on, and where less is free than should be it is 0.
    pub(crate) fn json(self) -> Value {
        let days = match self {
            Room::Unknown => return Value::Null,
            Room::Short => Some(0),
            Room::Days(days) => Some(days),
            Room::Long => None,
        };
        let message = json!({ "id": self.sentence(Lang::Id), "en": self.sentence(Lang::En) });
        json!({ "days": days, "low": self.is_low(), "message": message })
    }
}

/// Days in the greatest unit that people would take, never more than there are.
fn counted(days: u64) -> (u64, &'static str, &'static str) {
    match days {
        ..WEEKS_FROM_DAYS => (days, "hari", "day"),
        WEEKS_FROM_DAYS..LOW_DAYS => (days / 7, "minggu", "week"),
        LOW_DAYS.. => (days / 30, "bulan", "month"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GIB: u64 = 1 << 30;

    fn said(room: Room) -> String {
        room.sentence(Lang::Id).unwrap_or_default()
    }

    proptest! {
        #[test]
        fn at_its_own_pace_a_pc_never_fills_its_disk_before_the_day_that_was_told(
            left in 0..u64::MAX / 2, days in 7_u32..=28, bytes in 1..u64::MAX,
        ) {
            let room = Room::of(Some(left.saturating_add(GIB)), GIB, Some(Growth { days, bytes }));
            let needed = |told: u128| told * u128::from(bytes) / u128::from(days);
            match room {
                Room::Days(told) => {
                    prop_assert!(needed(u128::from(told)) <= u128::from(left), "{told} days are too many");
                    prop_assert!(needed(u128::from(told) + 1) >= u128::from(left), "{told} days are too few");
                }
                Room::Long => prop_assert!(needed(u128::from(DAYS_MAX)) <= u128::from(left)),
                other => prop_assert!(false, "{other:?}"),
            }
        }

        #[test]
        fn more_room_never_lasts_for_less_time(free in 0..u64::MAX, more in 0..u64::MAX, bytes in 0..u64::MAX) {
            let days = |free| match Room::of(Some(free), GIB, Some(Growth { days: 28, bytes })) {
                Room::Short | Room::Unknown => 0,
                Room::Days(days) => u64::from(days),
                Room::Long => DAYS_MAX,
            };
            prop_assert!(days(free) <= days(free.saturating_add(more)));
        }
    }

    #[test]
    fn nothing_is_guessed_on_the_first_days_or_of_a_disk_that_does_not_tell() {
        assert_eq!(Room::of(Some(9 * GIB), GIB, None), Room::Unknown);
        assert_eq!(Room::of(None, GIB, Some(Growth { days: 28, bytes: 1 })), Room::Unknown);
        assert_eq!(Room::Unknown.sentence(Lang::Id), None);
        assert!(Room::Unknown.json().is_null());
    }

    #[test]
    fn a_disk_below_its_minimum_is_told_from_the_first_day() {
        let room = Room::of(Some(GIB - 1), GIB, None);
        assert_eq!(room, Room::Short);
        assert!(said(room).ends_with(NEXT[0]));
    }

    #[test]
    fn people_hear_it_in_their_own_units_and_a_next_step_only_when_it_is_short() {
        assert_eq!(said(Room::Days(125)), "Penyimpanan cukup untuk ± 4 bulan.");
        assert_eq!(said(Room::Days(59)), "Penyimpanan cukup untuk ± 8 minggu. Kosongkan ruang di disk ini.");
        assert_eq!(said(Room::Days(3)), "Penyimpanan cukup untuk ± 3 hari. Kosongkan ruang di disk ini.");
        assert_eq!(said(Room::Long), "Penyimpanan cukup untuk lebih dari 2 tahun.");
        let one = Room::Days(1).sentence(Lang::En).expect("a sentence");
        assert_eq!(one, "Storage for ± 1 day. Make room on this disk.");
    }
}
