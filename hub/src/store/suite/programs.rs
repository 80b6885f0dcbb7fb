//! Programs that speak with the hub.

use super::{BIG, done};
use crate::store::{ApiKey, REMEMBERED_MS, Remembered, Store};

suite! {
    a_key_comes_back_as_it_was_put_and_is_replaced_whole
    an_answer_is_remembered_for_a_day
}

fn a_key_comes_back_as_it_was_put_and_is_replaced_whole(store: &mut dyn Store) {
    let key = |id, created_ms| ApiKey {
        id,
        name: "Aplikasi warga".to_owned(),
        secret_hash: [7; 32],
        scopes: "complaints:read export".to_owned(),
        created_ms,
        expires_ms: 9,
        revoked_ms: None,
    };
    let revoked = ApiKey { revoked_ms: Some(5), ..key(3, 1) };
    done(store, |tx| {
        tx.put_api_key(&key(BIG, 2))?;
        tx.put_api_key(&key(3, 1))?;
        tx.put_api_key(&revoked)
    });
    assert_eq!(done(store, |tx| tx.api_keys()), [revoked.clone(), key(BIG, 2)]);
    assert_eq!(done(store, |tx| tx.api_key(3)), Some(revoked));
    assert_eq!(done(store, |tx| tx.api_key(4)), None);
}

fn an_answer_is_remembered_for_a_day(store: &mut dyn Store) {
    let answer = |key, name: &str, at_ms| Remembered {
        key,
        name: name.to_owned(),
        request: [9; 32],
        status: 201,
        body: "{}".to_owned(),
        at_ms,
    };
    done(store, |tx| {
        tx.remember(&answer(BIG, "a", 0))?;
        tx.remember(&answer(1, "a", 1))
    });
    assert_eq!(done(store, |tx| tx.remembered(BIG, "a")), Some(answer(BIG, "a", 0)));
    assert_eq!(done(store, |tx| tx.remembered(2, "a")), None);
    done(store, |tx| tx.remember(&answer(1, "b", REMEMBERED_MS)));
    assert_eq!(done(store, |tx| tx.remembered(BIG, "a")), None);
    assert_eq!(done(store, |tx| tx.remembered(1, "a")), Some(answer(1, "a", 1)));
}
