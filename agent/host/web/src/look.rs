//! What pages of both programs have in common: style, script, drawing.

use crate::asset::Asset;

/// The style sheet that every page begins with.
pub fn style() -> Asset {
    Asset::css("dasar", include_str!("assets/dasar.css"))
}

/// The script of every page: parts that change by themselves, and the keyboard.
pub fn script() -> Asset {
    Asset::script("dasar", include_str!("assets/dasar.js"))
}

/// The drum.
pub fn icon() -> Asset {
    Asset::svg("ikon", include_str!("assets/ikon.svg"))
}
