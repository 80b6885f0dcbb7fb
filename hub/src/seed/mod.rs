//! A hub full of made-up offices and records: to try the console on, and to see how a machine copes with so much.
//!
//! ```text
//!   Plan ── for each office: fate (how it fares) ── PCs with runs and logs ── records, moves, conflicts ──▶ Intake
//!                                                └─ days, exchanges, last contact ──────────────────────▶ store
//! ```
//!
//! What people enter goes the way of everything that arrives: ops with their chains, judged, merged and put into the feed.
//! Only the devices exist on paper alone: nobody has their keys. The same seed and time make the same hub.

mod dice;
mod office;
mod pc;
mod words;

use kentongan_protocol::ids::ReplicaId;
use serde::Serialize;

use crate::store::{Store, StoreError, transact_with};

use dice::Dice;
use office::Village;

/// Offices of a district.
const DISTRICT_OFFICES: u32 = 30;
/// Districts of a regency.
const REGENCY_DISTRICTS: u32 = 40;
/// Most offices: two devices of each still have receipt prefixes of their own.
pub const OFFICES_MAX: u32 = 100_000;

/// What to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Offices, at most [`OFFICES_MAX`].
    pub offices: u32,
    /// Records, shared out among those offices that were ever heard.
    pub records: u64,
    /// Another number makes another hub.
    pub seed: u64,
    /// The present, milliseconds since 1970: everything lies before it.
    pub now_ms: i64,
}

/// What was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Filled {
    /// Offices.
    pub offices: u64,
    /// Records.
    pub records: u64,
    /// Changes: the ops that create the records, and those that move them on.
    pub ops: u64,
}

/// Fills the store of the hub that is the replica `hub`, an office at a time, each in its own transaction. `go_on` is told
/// how many offices of how many are done, and ends it by `false`.
///
/// # Errors
/// A failure of the store. What was made before stays.
pub fn fill(
    store: &mut dyn Store,
    hub: ReplicaId,
    plan: &Plan,
    go_on: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Filled, StoreError> {
    let mut dice = Dice::new(plan.seed);
    let offices = plan.offices.min(OFFICES_MAX);
    let villages: Vec<Village> = (0..offices).map(|number| Village::draw(number, &mut dice)).collect();
    let heard = villages.iter().filter(|village| village.is_heard()).count().max(1) as u64;
    let mut filled = Filled::default();
    let mut given = 0;
    for village in &villages {
        let mut records = 0;
        if village.is_heard() {
            given += 1;
            records = share(plan.records, given, heard);
        }
        let mut own = Dice::new(dice.number());
        let ops = transact_with(store, |tx| village.settle(tx, hub, records, plan.now_ms, &mut own))?;
        filled.offices += 1;
        filled.records += records;
        filled.ops += ops;
        if !go_on(filled.offices, u64::from(offices)) {
            break;
        }
    }
    Ok(filled)
}

/// What the `nth` of `all` gets of `total`, so that together they have all of it.
fn share(total: u64, nth: u64, all: u64) -> u64 {
    let upto = |nth: u64| u128::from(total) * u128::from(nth) / u128::from(all);
    u64::try_from(upto(nth) - upto(nth - 1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kentongan_protocol::op::Op;

    use super::*;
    use crate::store::memory::MemoryStore;
    use crate::store::{HubIdentity, OpState, Page, RecordFilter};

    const NOW_MS: i64 = 1_795_000_000_000;

    #[test]
    fn a_made_up_hub_holds_what_was_asked_for_and_every_op_of_it_is_whole() {
        let mut store = MemoryStore::default();
        let hub = ReplicaId(7);
        let identity = HubIdentity { replica: hub, name: "Kota Contoh".to_owned(), created_ms: 0 };
        transact_with(&mut store, |tx| tx.put_hub(&identity)).expect("a hub");
        let plan = Plan { offices: 40, records: 3_000, seed: 5, now_ms: NOW_MS };
        let filled = fill(&mut store, hub, &plan, &mut |_, _| true).expect("filled");
        assert_eq!((filled.offices, filled.records), (40, 3_000));
        let look = |tx: &mut dyn crate::store::Tx| {
            assert_eq!(tx.offices()?.len(), 40);
            let totals = tx.totals()?;
            assert_eq!(totals.records.iter().map(|(_, count)| count).sum::<u64>(), 3_000);
            assert_eq!((totals.ops, totals.quarantined, totals.waiting), (filled.ops, 0, 0));
            assert!(totals.conflicts > 0, "people are needed for something");
            for record in tx.records(&RecordFilter::default(), Page::After(0), 5_000)? {
                assert!(record.received_ms <= NOW_MS);
            }
            for replica in tx.replicas()? {
                let mut held = 0;
                for log in tx.logs_of(replica.id, None, 1_000)? {
                    let mut chain = log.head.chain_start();
                    for op in tx.ops_from(log.head.log(), 1, 10_000, usize::MAX)? {
                        chain = chain.then(&op.bytes);
                        assert_eq!((op.chain, op.state), (chain, OpState::Merged));
                        Op::decode(&op.bytes).expect("an op");
                    }
                    assert_eq!(log.chain, chain);
                    held += log.stored;
                }
                assert_eq!(replica.holding.ops, held);
            }
            Ok::<_, StoreError>(())
        };
        transact_with(&mut store, look).expect("all of it is whole");
    }

    #[test]
    fn a_fleet_has_offices_of_every_fate() {
        let mut dice = Dice::new(1);
        let villages: Vec<Village> = (0..4_000).map(|number| Village::draw(number, &mut dice)).collect();
        let fates: BTreeSet<String> = villages.iter().map(|village| format!("{:?}", village.fate())).collect();
        assert_eq!(fates.len(), 10, "{fates:?}");
        let codes: BTreeSet<_> = villages.iter().map(Village::code).collect();
        assert_eq!(codes.len(), 4_000);
    }

    #[test]
    fn shares_add_up() {
        assert_eq!((1..=7).map(|nth| share(100, nth, 7)).sum::<u64>(), 100);
    }
}
