//! QR codes as drawings: a square of the path for each dark module.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

/// Modules of white around the code, as its standard asks for.
const MARGIN: usize = 4;

/// A QR code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Square {
    /// `d` of an SVG path.
    pub path: String,
    /// Width and height of its view box.
    pub size: usize,
}

impl Square {
    /// That says `text`. A text that fits into no code gives an empty square.
    pub fn of(text: &str) -> Square {
        let Ok(drawn) = QrCode::with_error_correction_level(text, EcLevel::M) else {
            return Square { path: String::new(), size: 1 };
        };
        let width = drawn.width();
        let mut path = String::new();
        for (at, color) in drawn.to_colors().into_iter().enumerate() {
            if color == Color::Dark {
                // Writing to a string does not fail.
                let _ = write!(path, "M{} {}h1v1h-1z", at % width + MARGIN, at / width + MARGIN);
            }
        }
        Square { path, size: width + 2 * MARGIN }
    }
}
