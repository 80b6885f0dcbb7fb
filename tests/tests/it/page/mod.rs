//! The office's page: what a clerk does in a browser, and what strangers may not.

mod attacks;
#[cfg(target_os = "linux")]
mod barriers;
#[cfg(target_os = "linux")]
mod browser;
mod entry;
mod home;
mod looks;
mod paper;
mod people;
mod sealed;
mod training;

// Another door of the same program.
mod kiosk;

use kentongan_tests::visitor as http;
