//! From the set of ops of a record to its state.
//!
//! The state is a function of the *set*: any order of arrival, any repetition, any carrier gives the same. Nothing that
//! was written disappears unless a later write names it as replaced, or the form's rule for the group ranks it below
//! another; and even then it stays in the record's history.
//!
//! ```text
//!   ops of a record --apply--> writes and replaced ids per group --view, by the form's merge class--> what people see
//! ```

mod record;
mod view;

pub use record::{Creation, GroupState, Record, Written};
pub use view::{Candidate, GroupView, next_cycle, record_conflicts};

#[cfg(test)]
mod laws;
