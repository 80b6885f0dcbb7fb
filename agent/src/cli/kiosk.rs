//! Answers about tablets, for people.

use kentongan_host::Lang;
use kentongan_host::output::{Output, Table};
use serde_json::{Value, json};

/// `kiosk pair`.
pub(super) fn pairing(out: &Output, answer: &Value) {
    let text = |key: &str| answer[key].as_str().unwrap_or("-");
    let (address, code, minutes) = (text("address"), text("code"), answer["minutes"].as_u64().unwrap_or(0));
    out.line(&match out.lang {
        Lang::Id => format!("Di tablet, buka {address} dan ketik {code}. Berlaku {minutes} menit, untuk satu tablet."),
        Lang::En => {
            format!("On the tablet, open {address} and type {code}. Good for {minutes} minutes and one tablet.")
        }
    });
}

/// `kiosk list` and `kiosk revoke`.
pub(super) fn listed(out: &Output, answer: &Value) {
    let kiosks = answer["kiosks"].as_array().map(Vec::as_slice).unwrap_or_default();
    if kiosks.is_empty() {
        out.say(
            "Belum ada tablet. Pasangkan: kentongan-agent kiosk pair",
            "No tablet yet. Pair one: kentongan-agent kiosk pair",
        );
        return;
    }
    let mut table = Table::new([
        out.pick("Nomor", "Number"),
        out.pick("Nama", "Name"),
        out.pick("Terakhir menyerahkan", "Last handed over"),
        out.pick("Keadaan", "State"),
    ]);
    for kiosk in kiosks {
        let gone = kiosk["may_hand_over"] == json!(false);
        table.row([
            kiosk["kiosk"].as_u64().unwrap_or(0).to_string(),
            kiosk["name"].as_str().unwrap_or("-").to_owned(),
            kiosk["seen_at"].as_str().unwrap_or("-").to_owned(),
            if gone { out.pick("dilepas", "let go") } else { out.pick("terpasang", "paired") }.to_owned(),
        ]);
    }
    out.table(&table);
}
