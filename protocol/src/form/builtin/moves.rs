//! Moves of a complaint: from which status to which, whose right each is, and what must be said with it.
//!
//! Offline, two people may move one complaint without knowing of each other; how their moves merge stands in the form, and
//! nothing that arrives is refused for it. This table is for whoever is about to move: a page, a command.

use super::pengaduan::status::*;
use crate::form::ChoiceTag;

/// Whose right a move is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Who checks what came in: the duty manager, the unit's own officer, or the hub. Never the person complained about.
    Verifier,
    /// Who may say which unit is responsible: a head, or the hub.
    Head,
    /// The responsible unit.
    Unit,
    /// The citizen, in whose name an officer notes it.
    Reporter,
}

/// A move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// To this status.
    pub to: ChoiceTag,
    /// From these.
    pub from: &'static [ChoiceTag],
    /// Whose right it is.
    pub by: Role,
    /// Whether a reason must be given.
    pub reason: bool,
}

/// All moves. A complaint that is not closed can always be answered: every one of them must be.
pub const RULES: [Rule; 9] = [
    Rule { to: PERLU_DILENGKAPI, from: &[DITERIMA, TERVERIFIKASI], by: Role::Verifier, reason: true },
    Rule { to: TERVERIFIKASI, from: &[DITERIMA, PERLU_DILENGKAPI], by: Role::Verifier, reason: false },
    Rule { to: DIALIHKAN, from: &[DITERIMA, TERVERIFIKASI], by: Role::Verifier, reason: true },
    Rule {
        to: TERDISPOSISI,
        from: &[DITERIMA, TERVERIFIKASI, DIALIHKAN, TERDISPOSISI, DIPROSES, DIBUKA_KEMBALI],
        by: Role::Head,
        reason: false,
    },
    Rule {
        to: DIPROSES,
        from: &[TERVERIFIKASI, DIALIHKAN, TERDISPOSISI, DIBUKA_KEMBALI],
        by: Role::Unit,
        reason: false,
    },
    Rule {
        to: DIJAWAB,
        from: &[DITERIMA, PERLU_DILENGKAPI, TERVERIFIKASI, DIALIHKAN, TERDISPOSISI, DIPROSES, DIBUKA_KEMBALI, DIJAWAB],
        by: Role::Unit,
        reason: false,
    },
    Rule { to: ARSIP, from: &[DITERIMA, PERLU_DILENGKAPI, TERVERIFIKASI], by: Role::Verifier, reason: true },
    Rule { to: SELESAI, from: &[DIJAWAB], by: Role::Unit, reason: false },
    Rule { to: DIBUKA_KEMBALI, from: &[DIJAWAB, SELESAI, ARSIP], by: Role::Reporter, reason: false },
];

/// The rule for a move, if there is one.
pub fn rule(from: ChoiceTag, to: ChoiceTag) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.to == to && rule.from.contains(&from))
}

/// Where a complaint can go from here.
pub fn next(from: ChoiceTag) -> impl Iterator<Item = &'static Rule> {
    RULES.iter().filter(move |rule| rule.from.contains(&from))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::form::builtin::pengaduan;

    fn statuses() -> Vec<ChoiceTag> {
        let form = pengaduan::form();
        form.field(FIELD).unwrap().choices().iter().map(|choice| choice.tag).collect()
    }

    #[test]
    fn every_status_can_be_reached_and_none_is_a_dead_end() {
        let mut reached = BTreeSet::from([DITERIMA]);
        for _ in 0..RULES.len() {
            let more: Vec<ChoiceTag> = reached.iter().flat_map(|from| next(*from)).map(|rule| rule.to).collect();
            reached.extend(more);
        }
        assert_eq!(reached.into_iter().collect::<Vec<_>>(), statuses());
        assert!(statuses().into_iter().all(|from| next(from).count() > 0));
    }

    #[test]
    fn what_is_not_closed_can_be_answered_and_nothing_is_closed_unanswered() {
        for from in statuses() {
            let closed = matches!(from, SELESAI | ARSIP);
            assert_eq!(rule(from, DIJAWAB).is_some(), !closed, "{from}");
            assert_eq!(rule(from, SELESAI).is_some(), from == DIJAWAB, "{from}");
        }
    }

    #[test]
    fn the_citizen_has_the_last_word() {
        for from in [DIJAWAB, SELESAI, ARSIP] {
            assert_eq!(rule(from, DIBUKA_KEMBALI).map(|rule| rule.by), Some(Role::Reporter), "{from}");
        }
        assert_eq!(rule(DITERIMA, DIBUKA_KEMBALI), None);
    }
}
