//! People at the console, and where they are logged in.

use super::done;
use crate::store::{Account, Invitation, Login, Role, SecondFactor, Stage, Store};

suite! {
    an_account_comes_back_with_every_field
    a_login_is_found_by_its_hash_until_it_ends
}

fn wayan() -> Account {
    Account {
        name: "wayan".to_owned(),
        full_name: "I Wayan \"Pusat\"".to_owned(),
        role: Role::Admin,
        password: String::new(),
        invitation: Some(Invitation { hash: [7; 32], until_ms: i64::MAX }),
        second: None,
        added_ms: -1,
        barred_ms: None,
    }
}

fn an_account_comes_back_with_every_field(store: &mut dyn Store) {
    let second = SecondFactor { key: vec![0, 255], last_step: u64::MAX, spare: vec![[1; 32], [2; 32]] };
    let full = Account { password: "$argon2id$…".to_owned(), second: Some(second), barred_ms: Some(3), ..wayan() };
    let others = Role::ALL.map(|role| Account { name: role.code().to_owned(), role, ..wayan() });
    done(store, |tx| {
        tx.put_account(&wayan())?;
        others.iter().try_for_each(|other| tx.put_account(other))?;
        tx.put_account(&full)
    });
    assert_eq!(done(store, |tx| tx.account("wayan")), Some(full.clone()));
    assert_eq!(done(store, |tx| tx.account("Wayan")), None);
    let names: Vec<String> = done(store, |tx| tx.accounts()).into_iter().map(|account| account.name).collect();
    assert_eq!(names, ["admin", "case", "operator", "viewer", "wayan"]);
}

fn a_login_is_found_by_its_hash_until_it_ends(store: &mut dyn Store) {
    let login = |mark: u8, account: &str, stage| Login {
        hash: [mark; 32],
        account: account.to_owned(),
        stage,
        began_ms: i64::from(mark),
        seen_ms: 10 * i64::from(mark),
        from: "10.0.0.7".to_owned(),
        browser: "Peramban".to_owned(),
    };
    let logins = [login(1, "wayan", Stage::ExpectCode), login(2, "wayan", Stage::Open), login(3, "sari", Stage::Open)];
    done(store, |tx| logins.iter().try_for_each(|login| tx.put_login(login)));
    assert_eq!(done(store, |tx| tx.login(&[2; 32])), Some(logins[1].clone()));
    assert_eq!(done(store, |tx| tx.logins_of("wayan")), [logins[1].clone(), logins[0].clone()]);
    let later = Login { seen_ms: 99, stage: Stage::ExpectSecondFactor, ..logins[0].clone() };
    done(store, |tx| tx.put_login(&later));
    done(store, |tx| tx.forget_logins(30));
    assert_eq!(done(store, |tx| tx.logins_of("wayan")), [later]);
    done(store, |tx| tx.remove_login(&[3; 32]));
    assert_eq!(done(store, |tx| tx.login(&[3; 32])), None);
}
