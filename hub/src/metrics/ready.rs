//! Whether the hub can do its work now. Nothing here depends on the network: a hub that no office reaches is ready.
//!
//! An old backup is told but takes nobody off the line: offices that cannot hand over their records lose more by that
//! than they gain.

use std::fmt::Write;
use std::time::Duration;

use hyper::StatusCode;
use kentongan_host::files::free_bytes;
use kentongan_web::Reply;
use tokio::time::timeout;

use crate::ca::{Age, age};
use crate::serve::Serving;
use crate::service::status::backup_too_old;
use crate::store::StoreError;

/// A store that does not answer within this time has too much to do, or hangs.
const STORE_PATIENCE: Duration = Duration::from_secs(5);

/// A check and what it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    name: &'static str,
    found: Found,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Well,
    /// A person should look, but the hub does its work.
    Poor,
    /// The hub cannot do its work.
    Bad,
}

/// Looks at everything.
pub(super) async fn checks(serving: &Serving) -> Vec<Check> {
    let now_ms = serving.clock.wall_ms();
    let last = serving.store.run(|tx| Ok::<_, StoreError>((tx.backed_up_ms()?, tx.hub()?)));
    let last = timeout(STORE_PATIENCE, last).await.ok().and_then(Result::ok);
    let store = if last.is_some() { Found::Well } else { Found::Bad };
    let backup = match last {
        Some((last_ms, Some(hub))) if backup_too_old(last_ms.unwrap_or(hub.created_ms), now_ms).is_none() => {
            Found::Well
        }
        _ => Found::Poor,
    };
    let space = match free_bytes(serving.dir.root()) {
        Some(free) if free < serving.config().min_free_bytes => Found::Bad,
        _ => Found::Well,
    };
    let certificate = match age(serving.desk("readyz").authority().hub(), now_ms.div_euclid(1000)) {
        Age::Young => Found::Well,
        Age::Due => Found::Poor,
        Age::Expired => Found::Bad,
    };
    vec![
        Check { name: "store", found: store },
        Check { name: "space", found: space },
        Check { name: "certificate", found: certificate },
        Check { name: "backup", found: backup },
    ]
}

/// One word if all is well, else what is not.
pub(super) fn reply(checks: &[Check], verbose: bool) -> Reply {
    let bad = checks.iter().any(|check| check.found == Found::Bad);
    let mut text = String::new();
    for check in checks {
        let mark = match check.found {
            Found::Well => '✔',
            Found::Poor => '!',
            Found::Bad => '✖',
        };
        if verbose || check.found == Found::Bad {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{mark} {}", check.name);
        }
    }
    if text.is_empty() {
        text.push_str("ok\n");
    }
    Reply::text(text).but(if bad { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stops_the_work_makes_the_hub_unready() {
        let with = |found| vec![Check { name: "store", found: Found::Well }, Check { name: "backup", found }];
        assert_eq!(reply(&with(Found::Well), false).code(), StatusCode::OK);
        assert_eq!(reply(&with(Found::Poor), true).code(), StatusCode::OK);
        assert_eq!(reply(&with(Found::Bad), false).code(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
