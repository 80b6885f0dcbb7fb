//! What the store knows, as metrics. A timestamp of 0 means never or none.

use std::fs;
use std::time::Instant;

use kentongan_host::Failure;
use kentongan_protocol::calendar::Stage;

use super::text::Page;
use crate::config::PerOffice;
use crate::service::fleet::{OfficeRow, rows};
use crate::service::status::{Status, status_of};
use crate::service::{Desk, audit, board};
use crate::store::{CaseCount, RecordTally, Tx};

/// With more offices than this, `auto` leaves out what is told of each.
const OFFICES_TOLD_MAX: usize = 2_000;

/// Everything. One transaction, which counts only the records that came since `tally`.
pub(super) fn overview(tx: &mut dyn Tx, desk: &Desk, tally: &mut RecordTally) -> Result<String, Failure> {
    let began = Instant::now();
    let offices = rows(tx, desk)?;
    let status = status_of(tx, desk, &offices, tally)?;
    let mut page = Page::default();
    hub(&mut page, &status);
    let oldest_ms = tx.conflicts(None, 1)?.first().map(|conflict| conflict.since_ms);
    page.gauge("conflict_oldest_timestamp_seconds", "Since when the oldest conflict waits.").is(seconds(oldest_ms));
    let verified_ms = audit::last_verified(tx)?.filter(|last| last.whole).map(|last| last.at_ms);
    page.gauge("audit_verified_timestamp_seconds", "When the audit chain was last found whole.")
        .is(seconds(verified_ms));
    {
        let authority = desk.authority();
        let ends = [("hub", authority.hub()), ("root", authority.root())];
        let mut expiry = page.gauge("certificate_expiry_timestamp_seconds", "End of the hub's own certificates.");
        for (role, certificate) in ends {
            let ends_s = kentongan_host::certificate::facts(certificate).map_or(0, |facts| facts.validity.not_after_s);
            expiry = expiry.with(&[("role", role)], ends_s as f64);
        }
    }
    complaints(&mut page, &tx.case_counts(None, board::moments(desk.now_ms))?);
    if desk.config.per_office.tells(offices.len(), OFFICES_TOLD_MAX) {
        each_office(&mut page, &offices);
    }
    page.gauge("collector_duration_seconds", "How long the store took to tell all this.")
        .is(began.elapsed().as_secs_f64());
    Ok(page.finish())
}

fn hub(page: &mut Page, status: &Status) {
    let (oldest, newest) = kentongan_protocol::wire::versions();
    page.gauge("build_info", "The program.").with(
        &[("version", &status.version), ("protocol_min", &oldest.to_string()), ("protocol_max", &newest.to_string())],
        1.0,
    );
    let mut offices = page.gauge("offices", "Offices by how they fare, each by its own rhythm.");
    for (state, count) in &status.offices {
        offices = offices.with(&[("status", state.code())], *count as f64);
    }
    page.gauge("backlog_records", "Records and changes that offices said they still hold.")
        .is(status.pending_at_offices as f64);
    let mut records = page.gauge("records", "Records by form.");
    for (form, count) in &status.records {
        records = records.with(&[("form", form)], *count as f64);
    }
    page.gauge("ops", "Changes stored.").is(status.ops as f64);
    page.gauge("conflicts", "Groups of records in which values stand side by side.").is(status.conflicts as f64);
    page.gauge("records_quarantined", "Changes kept aside that nobody has decided on.").is(status.quarantine as f64);
    page.gauge("ops_waiting", "Changes that wait for the beginning of their record.").is(status.waiting as f64);
    page.gauge("forks", "Changes that claim the name of another.").is(status.forks as f64);
    page.gauge("store_size_bytes", "Size of the store.").is(status.store_bytes as f64);
    if let Some(free) = status.store_free_bytes {
        page.gauge("store_free_bytes", "Free space beside the store.").is(free as f64);
    }
    page.gauge("backup_last_success_timestamp_seconds", "When the last verified backup was made.")
        .is(seconds(status.backup_at));
}

fn each_office(page: &mut Page, offices: &[OfficeRow]) {
    let mut info = page.gauge("office_info", "An office, its district and its program.");
    for row in offices {
        // PP.RR.DD of PP.RR.DD.VVVV: the district.
        let district = row.office.split('.').take(3).collect::<Vec<_>>().join(".");
        info = info.with(&[("office", &row.office), ("district", &district), ("program", &row.program)], 1.0);
    }
    let mut told = |name: &str, help: &str, value: fn(&OfficeRow) -> f64| {
        let mut family = page.gauge(name, help);
        for row in offices {
            family = family.with(&[("office", &row.office)], value(row));
        }
    };
    told("office_last_contact_timestamp_seconds", "When it was last heard.", |row| seconds(row.last_contact_at));
    told("office_last_drained_timestamp_seconds", "When nothing was left there last.", |row| seconds(row.drained_at));
    told("office_backlog_records", "Records and changes it said it still holds.", |row| row.pending as f64);
    told("office_oldest_pending_timestamp_seconds", "When the oldest of them was written.", |row| {
        seconds(row.oldest_pending_at)
    });
    told("office_clock_offset_seconds", "By how much its clock is ahead.", |row| row.clock_offset_s);
    told("office_certificate_expiry_timestamp_seconds", "First end of a certificate of its devices.", |row| {
        seconds(row.cert_expires_at)
    });
}

/// Open complaints, from the list that is kept of them.
fn complaints(page: &mut Page, counts: &[CaseCount]) {
    let mut told = |name: &str, help: &str, value: fn(&CaseCount) -> u64| {
        let mut family = page.gauge(name, help);
        for stage in Stage::ALL.into_iter().filter(|stage| *stage != Stage::Closed) {
            let count = counts.iter().find(|count| count.stage == stage).map_or(0, value);
            family = family.with(&[("stage", stage.code())], count as f64);
        }
    };
    told("complaints_open", "Open complaints by whose turn it is.", |count| count.all);
    told("complaints_overdue", "Open complaints past their day.", |count| {
        let [late, ..] = count.until;
        late
    });
    told("complaints_due_soon", "Open complaints that are due today or tomorrow.", |count| {
        let [late, _, tomorrow, _] = count.until;
        tomorrow.saturating_sub(late)
    });
}

/// What the operating system says of this process; nothing where it does not say it this way.
pub(super) fn process(page: &mut Page, started_ms: i64) {
    page.common("process_start_time_seconds", "When this process began to serve.", "gauge")
        .is(seconds(Some(started_ms)));
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident_kb = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
    if let Some(resident_kb) = resident_kb {
        page.common("process_resident_memory_bytes", "Memory in use.", "gauge").is(resident_kb * 1024.0);
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        page.common("process_open_fds", "Open files and connections.", "gauge").is(files.count() as f64);
    }
}

impl PerOffice {
    fn tells(self, offices: usize, most: usize) -> bool {
        match self {
            PerOffice::Auto => offices <= most,
            PerOffice::On => true,
            PerOffice::Off => false,
        }
    }
}

fn seconds(ms: Option<i64>) -> f64 {
    ms.unwrap_or(0) as f64 / 1000.0
}
