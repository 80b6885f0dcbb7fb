//! How far this PC's clock is from UTC.

use windows_sys::Win32::System::Time::{GetTimeZoneInformation, TIME_ZONE_ID_INVALID, TIME_ZONE_INFORMATION};

/// What `GetTimeZoneInformation` says while clocks stand as in winter, and as in summer; nowhere in Indonesia do they.
const STANDARD: u32 = 1;
const DAYLIGHT: u32 = 2;

/// Seconds that this PC's clock is ahead of UTC today; 0 if Windows does not say.
pub fn ahead_of_utc_s() -> i32 {
    let mut zone = TIME_ZONE_INFORMATION::default();
    // SAFETY: `zone` is what the call fills in, and lives on.
    let season = unsafe { GetTimeZoneInformation(&raw mut zone) };
    let minutes_behind = match season {
        TIME_ZONE_ID_INVALID => 0,
        STANDARD => zone.Bias.saturating_add(zone.StandardBias),
        DAYLIGHT => zone.Bias.saturating_add(zone.DaylightBias),
        _ => zone.Bias,
    };
    minutes_behind.saturating_mul(-60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_clock_is_more_than_a_day_from_utc() {
        assert!(ahead_of_utc_s().abs() < 24 * 3_600);
    }
}
