//! Who sits at the browser.
//!
//! ```text
//!   an office without people    a name that anybody may give      name
//!   an office with people       a PIN, and what follows of it     door ── badge
//!                               one's own PIN, a forgotten one    pin
//!                               everybody's, for a duty manager   office
//! ```
//!
//! What a person may do is asked in one place each: whether they may see a page at all in [`super::route`], and
//! whether they decide for the office by [`Shell::may_decide`](super::shell::Shell::may_decide).

mod badge;
mod door;
mod name;
mod office;
mod pin;

use crate::people::Role;
use crate::store::Person;

pub(super) use badge::Badge;
pub(super) use door::{enter, held, is_open_to_all, keeps_badge, knock, leave, turned_away};
pub(super) use name::{chosen, who};
pub(super) use office::{everybody, rule};
pub(super) use pin::{change, changed, forgot, forgotten};

/// Somebody to choose from a list.
#[derive(Debug)]
struct Choice {
    id: u16,
    name: String,
    role: &'static str,
    is_chosen: bool,
}

fn choices(people: &[Person], chosen: Option<u16>, lang: kentongan_host::Lang) -> Vec<Choice> {
    let here = people.iter().filter(|person| person.left_ms.is_none());
    let choice = |person: &Person| Choice {
        id: person.id,
        name: person.name.clone(),
        role: Role::word(person.role, lang),
        is_chosen: chosen == Some(person.id),
    };
    let mut choices: Vec<Choice> = here.map(choice).collect();
    choices.sort_by_key(|choice| choice.name.to_lowercase());
    choices
}
