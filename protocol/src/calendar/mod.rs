//! Working days and deadlines, as civil servants count them. Offices print deadlines, the hub watches them: both count
//! with this.
//!
//! ```text
//!   day    a civil day, the zone of an office        file   tables as text, as people exchange them
//!   year   holidays and collective leave, with their source; replaceable at any time
//!   work   which days an office works, the n-th working day after another
//!   deadline   what is due of a complaint, by whom, and who is reminded when
//!   course   what a complaint's record says of all that
//! ```
//!
//! Nothing here is law by itself: dates and limits are data with a source, shipped as defaults and replaced from
//! outside. A result that rests on an estimate, or on a year whose holidays nobody entered, says so.

pub mod course;
pub mod day;
pub mod deadline;
pub mod file;
pub mod work;
pub mod year;

pub use day::{Day, Weekday, Zone};
pub use deadline::{Class, Course, Deadline, Move, Profile, Profiles, Rung, Stage};
pub use file::{FileError, Wrong};
pub use work::{Due, Week, WorkDays};
pub use year::{Calendar, Holiday, Kind};
