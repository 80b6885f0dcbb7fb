//! Answers for people.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use kentongan_host::data_dir::DataDir;
use kentongan_host::exit::Exit;
use kentongan_host::fail::Failure;
use kentongan_host::ktg::Ktg;
use kentongan_host::logging::{self, Tail};
use kentongan_host::output::{Output, Table};
use kentongan_protocol::form::builtin;
use serde_json::{Value, json};

/// Status on one screen, or as JSON.
pub(super) fn status_answer(out: &Output, answer: &Value) {
    if out.json { out.document(answer) } else { status(out, answer) }
}

fn status(out: &Output, status: &Value) {
    let text = |key: &str| status[key].as_str().unwrap_or("-");
    let count = |value: &Value| value.as_u64().unwrap_or(0);
    let queue = &status["queue"];
    let waiting = count(&queue["queued"]) + count(&queue["sending"]);
    let mut table = Table::headless();
    let office = match (status["office_name"].as_str(), status["office"].as_str()) {
        (Some(name), Some(code)) if !name.is_empty() => format!("{name} ({code})"),
        (_, Some(code)) => code.to_owned(),
        _ => out.pick("belum terdaftar", "not enrolled").to_owned(),
    };
    table.row([out.pick("Kantor", "Office"), &office]);
    table.row([out.pick("Pusat", "Hub"), text("hub")]);
    table.row([out.pick("Keadaan", "State"), &state(out, status, waiting)]);
    let entered = count(&status["entered_total"]);
    let arrived = count(&status["arrived_total"]);
    let rejected = count(&queue["rejected"]);
    let records = match out.lang {
        kentongan_host::Lang::Id => {
            format!("{arrived} dari {entered} sampai · {waiting} menunggu · {rejected} perlu diperbaiki")
        }
        kentongan_host::Lang::En => {
            format!("{arrived} of {entered} arrived · {waiting} waiting · {rejected} need fixing")
        }
    };
    table.row([out.pick("Catatan", "Records"), &records]);
    let states = &status["states"];
    let (saved, there, secured) = (count(&states["saved"]), count(&states["arrived"]), count(&states["secured"]));
    let kept = match out.lang {
        kentongan_host::Lang::Id => format!("{saved} Tersimpan · {there} Sampai di pusat · {secured} Aman"),
        kentongan_host::Lang::En => format!("{saved} Saved here · {there} Arrived at hub · {secured} Secured"),
    };
    table.row([out.pick("Tersalin", "Copies"), &kept]);
    if count(&status["hub_forgot"]) > 0 && saved + there > 0 {
        let sentence = Ktg::HubForgot.sentence(out.lang);
        table.row([out.pick("Perhatian", "Note"), &format!("{} {sentence}", Ktg::HubForgot)]);
    }
    if count(&status["conflicts"]) > 0 {
        let conflicts = count(&status["conflicts"]).to_string();
        table.row([out.pick("Bentrok", "Conflicts"), &conflicts]);
    }
    let files = &status["attachments"];
    if count(&files["queued"]) + count(&files["rejected"]) > 0 {
        let (queued, rejected) = (count(&files["queued"]), count(&files["rejected"]));
        let (left, begun) = (kilobytes(count(&files["queued_bytes"])), kilobytes(count(&files["begun_bytes"])));
        let shown = match out.lang {
            kentongan_host::Lang::Id => {
                format!("{queued} menunggu ({left} lagi, {begun} sudah di pusat) · {rejected} ditolak pusat")
            }
            kentongan_host::Lang::En => {
                format!("{queued} waiting ({left} to go, {begun} at the hub) · {rejected} set aside by the hub")
            }
        };
        table.row([out.pick("Lampiran", "Attachments"), &shown]);
    }
    if let Some(sentence) = link_rules(status, out.lang) {
        table.row([out.pick("Data", "Data"), &sentence]);
    }
    if let Some(code) = status["last_error"]["code"].as_str() {
        let sentence = code.parse::<Ktg>().map_or(String::new(), |ktg| ktg.sentence(out.lang).to_owned());
        table.row([out.pick("Sebab", "Cause"), &format!("{code} {sentence}")]);
    }
    let lang = if out.lang == kentongan_host::Lang::Id { "id" } else { "en" };
    if let Some(sentence) = status["mishap"]["message"][lang].as_str() {
        let code = status["mishap"]["code"].as_str().unwrap_or_default();
        table.row([out.pick("Penyimpanan", "Store"), &format!("{code} {sentence}")]);
    }
    if let Some(given_up) = status["update"]["rolled_back"]["version"].as_str() {
        let code = status["update"]["rolled_back"]["code"].as_str().unwrap_or_default();
        let said =
            out.pick("tidak jalan; program sebelumnya dipakai lagi", "did not do; the program before it goes on");
        table.row([out.pick("Pemutakhiran", "Update"), &format!("{code} {given_up} {said}")]);
    }
    if let Some(sentence) = status["room"]["message"][lang].as_str() {
        table.row([out.pick("Ruang", "Room"), sentence]);
    }
    table.row([out.pick("Terakhir", "Last"), text("last_success_at")]);
    if status["service"]["running"] == json!(true) {
        table.row([out.pick("Berikutnya", "Next"), text("next_attempt_at")]);
    }
    let offset = status["clock_offset_s"].as_f64().map_or("-".to_owned(), |offset| format!("{offset:+.0} s"));
    table.row([out.pick("Jam", "Clock"), &offset]);
    table.row([out.pick("Sertifikat s.d.", "Certificate until"), text("cert_expires_at")]);
    let service = match status["service"]["since"].as_str() {
        Some(since) => format!("{} {since}", out.pick("jalan sejak", "running since")),
        None => out.pick("tidak jalan", "not running").to_owned(),
    };
    table.row([
        out.pick("Layanan", "Service"),
        &format!("{service} · {} (protocol {})", text("version"), status["protocol"]),
    ]);
    out.table(&table);
}

/// How updates stand, and what a file holds.
pub(super) fn update(out: &Output, answer: &Value) {
    let mut table = Table::headless();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    table.row([out.pick("Jalan", "Running"), &format!("{} ({})", text(&answer["running"]), text(&answer["target"]))]);
    table.row([out.pick("Dari paket", "Of the package"), &text(&answer["package"])]);
    if let Some(version) = answer["trying"]["version"].as_str() {
        let starts = format!("{version} · {} {}", out.pick("dimulai", "started"), answer["trying"]["starts"]);
        table.row([out.pick("Sedang dicoba", "On trial"), &starts]);
    }
    if let Some(version) = answer["rolled_back"]["version"].as_str() {
        let reason =
            format!("{} {version}: {}", text(&answer["rolled_back"]["code"]), text(&answer["rolled_back"]["reason"]));
        table.row([out.pick("Tidak jalan", "Did not do"), &reason]);
    }
    if answer["file"].is_object() {
        let newer = match answer["file"]["newer"].as_bool() {
            Some(true) => out.pick("lebih baru, tanda tangan cocok", "newer, and signed by the publisher"),
            _ => out.pick("tidak lebih baru", "not newer"),
        };
        table.row([out.pick("Berkas", "File"), &format!("{} · {newer}", text(&answer["file"]["version"]))]);
    }
    out.table(&table);
}

/// What the rules of the link hold back, and how much of a budget is spent; none if there are none.
pub(crate) fn link_rules(status: &Value, lang: kentongan_host::Lang) -> Option<String> {
    let data = &status["data"];
    let is_id = lang == kentongan_host::Lang::Id;
    let pick = |id: &'static str, en: &'static str| if is_id { id } else { en };
    let part = |spent: &str, most: &str, name: &str| {
        let most = data[most].as_u64()?;
        let of = pick("dari", "of");
        Some(format!("{name} {} {of} {}", kilobytes(data[spent].as_u64().unwrap_or(0)), kilobytes(most)))
    };
    let used = [
        part("day_bytes", "day_max", pick("hari ini", "today")),
        part("month_bytes", "month_max", pick("bulan ini", "this month")),
    ];
    let mut said: Vec<String> = used.into_iter().flatten().collect();
    let why = match (data["because"].as_str(), data["allowed"].as_str()) {
        (Some("quiet_hours"), _) => Some(pick("jam tenang", "quiet hours")),
        (Some("metered"), _) => Some(pick("sambungan berbayar", "the link is metered")),
        (Some("budget_day"), Some("urgent")) => Some(pick("kuota hari ini habis", "budget for today used up")),
        (Some("budget_day"), _) => Some(pick("kuota hari ini hampir habis", "budget for today nearly used up")),
        (Some("budget_month"), Some("urgent")) => Some(pick("kuota bulan ini habis", "budget for this month used up")),
        (Some(_), _) => Some(pick("kuota bulan ini hampir habis", "budget for this month nearly used up")),
        (None, _) => None,
    };
    if let Some(why) = why {
        let queue = &status["queue"];
        let records = queue["queued"].as_u64().unwrap_or(0) + queue["sending"].as_u64().unwrap_or(0);
        let what = match (data["allowed"].as_str(), is_id) {
            (Some("urgent"), true) => format!("{records} catatan menunggu"),
            (Some("urgent"), false) => format!("{records} records wait"),
            (Some("records"), _) => {
                pick("lampiran dan kabar pusat menunggu", "attachments and news of the hub wait").to_owned()
            }
            _ => pick("lampiran menunggu", "attachments wait").to_owned(),
        };
        let until = match data["until"].as_str() {
            Some(until) => format!("{} {until}", pick("sampai", "until")),
            None => pick("sampai pengaturan diubah", "until the settings change").to_owned(),
        };
        said.push(format!(
            "{why}: {what} {until}; {}",
            pick("aduan mendesak tetap dikirim", "urgent complaints go on")
        ));
    }
    (!said.is_empty()).then(|| said.join(" · "))
}

/// The one-line verdict, the gravest first.
fn state(out: &Output, status: &Value, waiting: u64) -> String {
    let rejected = status["queue"]["rejected"].as_u64().unwrap_or(0);
    let said = |id: String, en: String| if out.lang == kentongan_host::Lang::Id { id } else { en };
    let since = status["last_success_at"].as_str().unwrap_or("-");
    match status["state"].as_str() {
        Some("not_enrolled") => said("◇ belum terdaftar".into(), "◇ not enrolled".into()),
        _ if status["twin"] == json!(true) => said(
            "✖ dua komputer menjawab sebagai satu (KTG-108)".into(),
            "✖ two machines answer as one (KTG-108)".into(),
        ),
        _ if rejected > 0 => {
            said(format!("✖ {rejected} catatan perlu diperbaiki"), format!("✖ {rejected} records need fixing"))
        }
        Some("sending") => said(format!("◔ sedang mengirim {waiting}"), format!("◔ sending {waiting}")),
        Some("offline") => said(
            format!("▲ belum ada sambungan sejak {since}; {waiting} catatan aman di komputer ini"),
            format!("▲ no contact since {since}; {waiting} records safe on this PC"),
        ),
        _ if status["all_arrived"] == json!(true) => {
            said("● semua sudah sampai di pusat".into(), "● everything has arrived at the hub".into())
        }
        _ => said(format!("○ {waiting} menunggu"), format!("○ {waiting} waiting")),
    }
}

/// Shape and word of a record's state.
fn record_state(out: &Output, state: &str) -> String {
    match state {
        "arrived" => out.pick("● Sampai di pusat", "● Arrived at hub"),
        "secured" => out.pick("● Aman", "● Secured"),
        "put_away" => out.pick("● Aman, tidak lagi di komputer ini", "● Secured, no longer on this PC"),
        "rejected" => out.pick("✖ Perlu diperbaiki", "✖ Needs fixing"),
        _ => out.pick("○ Menunggu", "○ Waiting"),
    }
    .to_owned()
}

pub(super) fn queue(out: &Output, answer: &Value) {
    let records = answer["records"].as_array().map(Vec::as_slice).unwrap_or_default();
    if records.is_empty() {
        out.say("Tidak ada catatan pada saringan ini.", "No record passes this filter.");
        return;
    }
    let mut table = Table::new([
        out.pick("Keadaan", "State"),
        out.pick("Formulir", "Form"),
        out.pick("Kode", "Code"),
        out.pick("Diisi", "Entered"),
        "Id",
    ]);
    for record in records {
        table.row([
            record_state(out, record["state"].as_str().unwrap_or("")),
            form_label(out, &record["form"]),
            record["code"].as_str().unwrap_or("-").to_owned(),
            record["entered_at"].as_str().unwrap_or("-").to_owned(),
            record["id"].as_str().unwrap_or("-").to_owned(),
        ]);
    }
    out.table(&table);
}

fn form_label(out: &Output, form: &Value) -> String {
    let name = form.as_str().unwrap_or("-");
    builtin::by_name(name).map_or_else(|| name.to_owned(), |form| form.label.in_lang(out.lang).to_owned())
}

pub(super) fn record(out: &Output, record: &Value) {
    let mut table = Table::headless();
    table.row([out.pick("Kode", "Code"), record["code"].as_str().unwrap_or("-")]);
    table.row([out.pick("Keadaan", "State"), &record_state(out, record["state"].as_str().unwrap_or(""))]);
    let form = record["form"].as_str().and_then(builtin::by_name);
    let fields = record["fields"].as_object().into_iter().flatten();
    for (name, value) in fields.filter(|(name, _)| *name != "lampiran") {
        let field = form.and_then(|form| form.field_named(name));
        let label = field.map_or(name.as_str(), |field| field.label.in_lang(out.lang));
        let shown = match (field, value.as_str()) {
            (Some(field), Some(text)) => kentongan_protocol::form::Value::parse(field, text)
                .map_or_else(|_| text.to_owned(), |value| value.display(field, out.lang)),
            (_, Some(text)) => text.to_owned(),
            _ => value.to_string(),
        };
        table.row([label, &shown]);
    }
    out.table(&table);
    attachments(out, record);
    for conflict in record["conflicting"].as_array().into_iter().flatten() {
        out.line(&format!("≠ {}:", conflict["group"].as_str().unwrap_or("-")));
        for value in conflict["values"].as_array().into_iter().flatten() {
            out.line(&format!("    {}  ({})", value["fields"], value["author"].as_str().unwrap_or("-")));
        }
    }
    for fault in record["repair"].as_array().into_iter().flatten() {
        let reason = fault["label"].as_str().or(fault["reason"].as_str()).unwrap_or("-");
        out.line(&format!("✖ {}: {reason}", out.pick("perlu diperbaiki", "needs fixing")));
    }
    for line in record["history"].as_array().into_iter().flatten() {
        out.line(&format!(
            "  {}  {:8}  {}  {}",
            line["at"].as_str().unwrap_or("-"),
            line["by"].as_str().unwrap_or("-"),
            line["author"].as_str().unwrap_or("-"),
            line["group"].as_str().unwrap_or("-"),
        ));
    }
}

/// The files that a record names, a line each, with how far they are.
fn attachments(out: &Output, record: &Value) {
    for file in record["attachments"].as_array().into_iter().flatten() {
        let bytes = file["bytes"].as_u64().unwrap_or(0);
        let state = match (file["state"].as_str(), file["bytes_at_hub"].as_u64()) {
            (Some("queued"), Some(at_hub)) if at_hub > 0 => {
                format!("{} {}%", out.pick("○ Sebagian di pusat:", "○ Partly at the hub:"), at_hub * 100 / bytes.max(1))
            }
            (Some(state), _) => record_state(out, state),
            (None, _) => out.pick("tidak di komputer ini", "not on this PC").to_owned(),
        };
        let name = file["name"].as_str().unwrap_or("-");
        out.line(&format!("+ {name}  {}  {state}", kilobytes(bytes)));
    }
}

fn kilobytes(bytes: u64) -> String {
    format!("{} KB", bytes.div_ceil(1000))
}

pub(super) fn attached(out: &Output, answer: &Value) {
    let id = answer["code"].as_str().or(answer["id"].as_str()).unwrap_or("-");
    out.line(&format!("{id}  {}", out.pick("lampiran tersimpan", "attachments saved")));
    attachments(out, answer);
}

pub(super) fn track(out: &Output, answer: &Value) {
    answer["records"].as_array().into_iter().flatten().for_each(|entry| record(out, entry));
}

pub(super) fn entered(out: &Output, answer: &Value) {
    match answer["code"].as_str() {
        Some(code) => out.line(&format!("{code}  {}", out.pick("tersimpan, menunggu", "saved, waiting"))),
        None => out.line(&format!(
            "{}  {}",
            answer["id"].as_str().unwrap_or("-"),
            out.pick("tersimpan, menunggu", "saved, waiting")
        )),
    }
}

pub(super) fn edited(out: &Output, answer: &Value) {
    out.line(&format!("{}  {}", answer["id"].as_str().unwrap_or("-"), out.pick("perubahan tersimpan", "change saved")));
}

pub(super) fn enrolled(out: &Output, answer: &Value) {
    let name = answer["office_name"].as_str().filter(|name| !name.is_empty());
    let office = name.or(answer["office"].as_str()).unwrap_or("-");
    out.line(&format!("{} {office}.", out.pick("Terdaftar sebagai", "Enrolled as")));
    out.say(
        "Berikutnya: kentongan-agent run, atau kentongan-agent sync --wait",
        "Next: kentongan-agent run, or kentongan-agent sync --wait",
    );
}

/// What to do with a request that was written to `file`.
pub(super) fn asked_to_join(out: &Output, answer: &Value, file: &Path) {
    let words = answer["words"].as_str().unwrap_or("-");
    if out.json {
        let file = file.display().to_string();
        return out.document(&json!({ "schema": answer["schema"], "words": words, "file": file }));
    }
    out.line(&format!("{}: {words}", out.pick("Lima kata", "Five words")));
    out.say(
        &format!(
            "Bawa {} ke pusat. Berkas itu memuat kode: jangan diteruskan ke orang lain.\n\
             Bila pusat menelepon, bacakan lima kata di atas. Lalu, dengan berkas jawabannya di PC ini:\n\
             kentongan-agent enrol --offline-answer FILE",
            file.display()
        ),
        &format!(
            "Carry {} to the hub. It holds the code: pass it on to nobody else.\n\
             If the hub calls, read out the five words above. Then, with its answer on this PC:\n\
             kentongan-agent enrol --offline-answer FILE",
            file.display()
        ),
    );
}

pub(super) fn synced(out: &Output, answer: &Value) {
    let number = |key: &str| answer[key].as_u64().unwrap_or(0);
    let (arrived, entered) = (number("arrived_total"), number("entered_total"));
    let mark = if answer["all_arrived"] == json!(true) { "●" } else { "○" };
    out.line(&match out.lang {
        kentongan_host::Lang::Id => format!(
            "{mark} {arrived} dari {entered} catatan sampai · {} naik, {} turun (byte)",
            number("up_bytes"),
            number("down_bytes")
        ),
        kentongan_host::Lang::En => format!(
            "{mark} {arrived} of {entered} records arrived · {} bytes up, {} down",
            number("up_bytes"),
            number("down_bytes")
        ),
    });
    // Who asks and sees nothing go is told why.
    if let Some(sentence) = link_rules(answer, out.lang) {
        out.line(&sentence);
    }
}

pub(super) fn imported(out: &Output, answer: &Value) {
    let number = |key: &str| answer[key].as_u64().unwrap_or(0);
    out.line(&match out.lang {
        kentongan_host::Lang::Id => format!(
            "{} baris: {} masuk, {} sudah ada, {} berubah, {} ditolak",
            number("rows"),
            number("taken"),
            number("repeated"),
            number("changed"),
            number("rejected")
        ),
        kentongan_host::Lang::En => format!(
            "{} rows: {} taken, {} repeated, {} changed, {} rejected",
            number("rows"),
            number("taken"),
            number("repeated"),
            number("changed"),
            number("rejected")
        ),
    });
    if let Some(file) = answer["rejected_file"].as_str() {
        out.line(&format!(
            "{} {file}",
            out.pick("Baris yang ditolak, dengan alasannya:", "Rejected rows, with reasons:")
        ));
    }
}

pub(super) fn paths(out: &Output, dir: &DataDir) {
    let paths = dir.paths();
    if out.json {
        let paths: BTreeMap<_, _> = paths.iter().map(|(name, path)| (*name, path.display().to_string())).collect();
        out.document(&json!({ "schema": "kentongan.paths/1", "paths": paths }));
        return;
    }
    let mut table = Table::headless();
    for (name, path) in paths {
        table.row([name.to_owned(), path.display().to_string()]);
    }
    out.table(&table);
}

pub(super) fn logs(
    out: &Output,
    dir: &DataDir,
    follow: bool,
    since: Option<Duration>,
    level: tracing::Level,
) -> Result<Exit, Failure> {
    let since_ms = since.map(|since| {
        let now = kentongan_host::Clock::wall_ms(&kentongan_host::SystemClock::new());
        now.saturating_sub(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    });
    let wanted = Tail { since_ms, level, follow };
    let zone = kentongan_host::moment::zone();
    logging::tail(&logging::log_file(dir), wanted, &|| !out.closed(), &mut |line| {
        if out.json {
            out.document(line)
        } else {
            out.line(&logging::render_text(line, &zone))
        }
        !out.closed()
    })?;
    Ok(Exit::Done)
}
