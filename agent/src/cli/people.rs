//! Answers about the people of the office, for people.

use kentongan_host::Lang;
use kentongan_host::output::{Output, Table};
use serde_json::{Value, json};

use crate::people::Role;

fn role<'a>(out: &Output, person: &'a Value) -> &'a str {
    let code = person["role"].as_str().unwrap_or("-");
    Role::parse(code).map_or(code, |role| role.word(out.lang))
}

fn number(answer: &Value) -> u64 {
    answer["person"].as_u64().unwrap_or(0)
}

/// `user list`.
pub(super) fn listed(out: &Output, answer: &Value) {
    let people = answer["people"].as_array().map(Vec::as_slice).unwrap_or_default();
    if people.is_empty() {
        out.say(
            "Belum ada orang. Tambahkan: kentongan-agent user add NAMA --role manager",
            "Nobody yet. Add somebody: kentongan-agent user add NAME --role manager",
        );
        return;
    }
    let mut table = Table::new([
        out.pick("Nomor", "Number"),
        out.pick("Nama", "Name"),
        out.pick("Peran", "Role"),
        out.pick("Keadaan", "State"),
    ]);
    for person in people {
        let state = match (person["works_here"] == json!(true), person["wait_s"].as_u64().unwrap_or(0)) {
            (false, _) => out.pick("tidak bekerja di sini lagi", "does not work here any more").to_owned(),
            (true, 0) if person["pin_is_temporary"] == json!(true) => {
                out.pick("PIN belum diganti sendiri", "has not changed the PIN yet").to_owned()
            }
            (true, 0) => String::new(),
            (true, seconds) => format!(
                "{} {seconds} {}",
                out.pick("menunggu", "waits"),
                out.pick("detik: PIN salah", "seconds: wrong PINs")
            ),
        };
        table.row([
            number(person).to_string(),
            person["name"].as_str().unwrap_or("-").to_owned(),
            role(out, person).to_owned(),
            state,
        ]);
    }
    out.table(&table);
}

/// `user add`.
pub(super) fn added(out: &Output, answer: &Value) {
    let name = answer["name"].as_str().unwrap_or("-");
    let (number, role) = (number(answer), role(out, answer));
    out.say(
        &format!("{name} ditambahkan: nomor {number}, {role}."),
        &format!("{name} was added: number {number}, {role}."),
    );
    pin(out, answer);
}

/// `user leave`.
pub(super) fn left(out: &Output, answer: &Value) {
    let name = answer["name"].as_str().unwrap_or("-");
    out.say(
        &format!("{name} tidak bekerja di sini lagi. Yang pernah diisinya tetap bernama {name}."),
        &format!("{name} does not work here any more. What they entered keeps their name."),
    );
}

/// A PIN that was drawn for somebody.
pub(super) fn pin(out: &Output, answer: &Value) {
    let pin = answer["pin"].as_str().unwrap_or("-");
    out.line(&match out.lang {
        Lang::Id => format!("PIN sementara: {pin}. Tidak ditampilkan lagi, dan diganti sendiri saat masuk berikutnya."),
        Lang::En => format!("Temporary PIN: {pin}. It is not shown again, and is changed at the next entry."),
    });
}

/// `user recovery`: what to read to the hub's operator.
pub(super) fn challenge(out: &Output, answer: &Value) {
    let challenge = answer["challenge"].as_str().unwrap_or("-");
    let number = number(answer);
    out.line(&match out.lang {
        Lang::Id => format!(
            "Bacakan kepada operator pusat: {challenge}\n\
             Lalu: kentongan-agent user recovery {number} --answer JAWABAN"
        ),
        Lang::En => format!(
            "Read to the hub's operator: {challenge}\n\
             Then: kentongan-agent user recovery {number} --answer ANSWER"
        ),
    });
}
