//! The one line that is read from two metres away, and the chain from this PC to the hub: both follow from counts over
//! acknowledgements and from the last attempt, and from nothing else.

use kentongan_host::ktg::Ktg;
use kentongan_web::Words;

use crate::doctor::OFFSET_MS_MAX;
use crate::show::Standing;
use kentongan_web::Clock;

/// Shapes of the states; each differs in form, word and colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// ● with a tick: everything is there.
    Arrived,
    /// ◔: on its way.
    Sending,
    /// ○: waits; nothing is wrong.
    Waiting,
    /// ▲: waits for longer than usual.
    Late,
    /// ✖: a person must do something.
    Wrong,
    /// ┄: not begun.
    Unbegun,
}

impl Shape {
    /// Its class in the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Shape::Arrived => "sampai",
            Shape::Sending => "kirim",
            Shape::Waiting => "tunggu",
            Shape::Late => "lambat",
            Shape::Wrong => "salah",
            Shape::Unbegun => "draf",
        }
    }

    /// The same sign in letters, for print and for those who hear the page.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Shape::Arrived => "●",
            Shape::Sending => "◔",
            Shape::Waiting => "○",
            Shape::Late => "▲",
            Shape::Wrong => "✖",
            Shape::Unbegun => "┄",
        }
    }
}

/// The verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) shape: Shape,
    /// The line.
    pub(super) line: String,
    /// What reassures, in smaller letters; may be empty.
    pub(super) more: String,
    /// The page of help, if a code stands behind it.
    pub(super) code: Option<Ktg>,
}

/// The verdict, in this order of precedence: what a person must do, what is on its way, what waits.
pub(super) fn verdict(standing: &Standing, clock: &Clock, w: &Words) -> Verdict {
    let counts = &standing.counts;
    let waiting = counts.queued.max(u64::from(counts.ops_pending > 0));
    let plain = |shape, line: String| Verdict { shape, line, more: String::new(), code: None };
    if standing.member.is_none() {
        let more = w.t("putusan.belum_terdaftar.lalu").to_owned();
        return Verdict { more, ..plain(Shape::Unbegun, w.t("putusan.belum_terdaftar").to_owned()) };
    }
    if counts.rejected > 0 {
        let more = w.t("putusan.perbaiki.lalu").to_owned();
        return Verdict { more, ..plain(Shape::Wrong, w.count("putusan.perbaiki", counts.rejected)) };
    }
    if let Some(ktg) = hard_fault(standing) {
        let line = w.with("putusan.masalah", &[("kode", &ktg.to_string())]);
        let more = format!("{} {}", ktg.sentence(w.lang), ktg.next_step(w.lang));
        return Verdict { more, code: Some(ktg), ..plain(Shape::Wrong, line) };
    }
    if standing.link.offset_ms.is_some_and(|offset_ms| (offset_ms.abs() as f64) > OFFSET_MS_MAX) {
        let more = Ktg::Clock.next_step(w.lang).to_owned();
        return Verdict { more, code: Some(Ktg::Clock), ..plain(Shape::Wrong, w.t("putusan.jam").to_owned()) };
    }
    if standing.service.in_contact && waiting > 0 {
        return plain(Shape::Sending, w.count("putusan.mengirim", waiting));
    }
    let safe = || match waiting {
        0 => w.t("putusan.tidak_ada_menunggu").to_owned(),
        n => w.count("putusan.aman_di_sini", n),
    };
    let failed = standing.link.last.as_ref().is_some_and(|last| last.code != 0);
    let Some(success) = &standing.link.last_success else {
        return Verdict { more: safe(), ..plain(Shape::Waiting, w.t("putusan.belum_pernah").to_owned()) };
    };
    if failed {
        let silent_ms = clock.now_ms.saturating_sub(success.ended_ms);
        let (late, alarming) = (silent_ms >= standing.warn_after_ms, silent_ms >= standing.error_after_ms);
        if late || alarming {
            let line = w.with("putusan.lama", &[("sejak", &clock.short(success.ended_ms, w))]);
            let shape = if alarming { Shape::Wrong } else { Shape::Late };
            return Verdict { more: safe(), ..plain(shape, line) };
        }
        return Verdict { more: safe(), ..plain(Shape::Waiting, w.t("putusan.tanpa_sambungan").to_owned()) };
    }
    match (waiting, standing.attachments.waiting) {
        (0, 0) if counts.entered == 0 => Verdict {
            more: w.t("putusan.kosong.lalu").to_owned(),
            ..plain(Shape::Arrived, w.t("putusan.kosong").to_owned())
        },
        (0, 0) => plain(Shape::Arrived, w.t("putusan.sampai").to_owned()),
        (0, files) => plain(Shape::Sending, w.count("putusan.berkas", files)),
        (n, _) => plain(Shape::Waiting, w.count("putusan.menunggu", n)),
    }
}

/// The verdict in training: nothing waits there, and nothing arrives.
pub(super) fn of_training(w: &Words) -> Verdict {
    let (line, more) = (w.t("putusan.latihan").to_owned(), w.t("putusan.latihan.lalu").to_owned());
    Verdict { shape: Shape::Unbegun, line, more, code: None }
}

/// A fault that neither waiting nor a better link mends.
fn hard_fault(standing: &Standing) -> Option<Ktg> {
    if standing.link.twin {
        return Some(Ktg::TwinIdentity);
    }
    let last = standing.link.last.as_ref()?;
    ktg_numbered(last.code).filter(|ktg| crate::agent::needs_a_person(*ktg))
}

/// The code with this number.
pub(super) fn ktg_numbered(number: u16) -> Option<Ktg> {
    Ktg::ALL.into_iter().find(|ktg| ktg.number() == number)
}

/// Places on the way to the hub.
pub(super) const PLACES: [&str; 4] = ["rantai.komputer", "rantai.jaringan", "rantai.internet", "rantai.pusat"];

/// How one step of the way is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It carried the last attempt.
    Whole,
    /// It did not.
    Broken,
    /// Nobody can tell, because it breaks before.
    Unknown,
}

/// The three steps from this PC to the hub, by the code of the last attempt; `None`: there was none.
pub(super) fn chain(last_code: Option<u16>) -> [Step; 3] {
    use Step::{Broken, Unknown, Whole};
    let Some(code) = last_code else { return [Unknown; 3] };
    match ktg_numbered(code) {
        None => [Whole; 3],
        Some(Ktg::NoNetwork | Ktg::Proxy) => [Broken, Unknown, Unknown],
        Some(Ktg::Dns | Ktg::NotTheHub) => [Whole, Broken, Unknown],
        Some(_) => [Whole, Whole, Broken],
    }
}

/// Who can do something about the first step that is broken.
pub(super) fn whom_to_call(steps: [Step; 3]) -> Option<&'static str> {
    let broken = steps.iter().position(|step| *step == Step::Broken)?;
    Some(["rantai.panggil.kantor", "rantai.panggil.penyedia", "rantai.panggil.it"][broken])
}

#[cfg(test)]
mod tests {
    use kentongan_host::Lang;

    use super::super::words::words;
    use super::*;
    use crate::rules::LinkUse;
    use crate::show::ServiceState;
    use crate::store::{AttachmentTotals, Contact, Counts, Link, Member};

    const NOW: i64 = 1_795_244_700_000;
    const DAY: i64 = 24 * 3_600_000;

    fn standing() -> Standing {
        let member = Member {
            replica: kentongan_protocol::ids::ReplicaId(1),
            office: "32.73.05.1001".parse().expect("a code"),
            office_name: "Desa Sukamaju".into(),
            prefix: kentongan_protocol::receipt::Prefix::new(5).expect("a prefix"),
            hub_url: "https://pusat.example".into(),
            hub_replica: kentongan_protocol::ids::ReplicaId(2),
        };
        let contact = Contact { ended_ms: NOW - 60_000, ..Contact::default() };
        Standing {
            member: Some(member),
            hub_url: String::new(),
            counts: Counts { entered: 12, arrived: 12, ..Counts::default() },
            attachments: AttachmentTotals::default(),
            link: Link { last_success: Some(contact.clone()), last: Some(contact), ..Link::default() },
            data: LinkUse::default(),
            mishap: None,
            service: ServiceState::default(),
            certificate_ends_ms: None,
            free_bytes: None,
            room: crate::room::Room::Unknown,
            now_ms: NOW,
            warn_after_ms: 3 * DAY,
            error_after_ms: 7 * DAY,
        }
    }

    fn seen(standing: &Standing) -> (Shape, String) {
        let verdict = verdict(standing, &Clock::of(NOW, kentongan_protocol::calendar::Zone::Wib), &words(Lang::Id));
        (verdict.shape, verdict.line)
    }

    fn fails(standing: &mut Standing, code: u16, silent_days: i64) {
        standing.link.last = Some(Contact { code, ended_ms: NOW, ..Contact::default() });
        standing.link.last_success = Some(Contact { ended_ms: NOW - silent_days * DAY, ..Contact::default() });
    }

    #[test]
    fn all_has_arrived_is_said_only_when_nothing_waits() {
        let mut now = standing();
        assert_eq!(seen(&now), (Shape::Arrived, "Semua sudah sampai di pusat".into()));
        now.counts.ops_pending = 1;
        assert_eq!(seen(&now).0, Shape::Waiting);
        now.counts.queued = 3;
        assert_eq!(seen(&now), (Shape::Waiting, "3 catatan menunggu dikirim".into()));
        now.counts = Counts { entered: 12, arrived: 12, ..Counts::default() };
        now.attachments.waiting = 1;
        assert_eq!(seen(&now).0, Shape::Sending);
    }

    #[test]
    fn patience_comes_before_concern_and_concern_before_alarm() {
        let mut now = standing();
        now.counts.queued = 2;
        for (days, shape) in [(0, Shape::Waiting), (2, Shape::Waiting), (3, Shape::Late), (7, Shape::Wrong)] {
            fails(&mut now, 102, days);
            assert_eq!(seen(&now).0, shape, "{days} days");
        }
        now.service.in_contact = true;
        assert_eq!(seen(&now).0, Shape::Sending);
    }

    #[test]
    fn what_a_person_must_do_comes_first() {
        let mut now = standing();
        now.counts.queued = 2;
        fails(&mut now, 104, 0);
        assert_eq!(seen(&now), (Shape::Wrong, "Ada masalah KTG-104".into()));
        now.counts.rejected = 1;
        assert_eq!(seen(&now), (Shape::Wrong, "1 catatan perlu diperbaiki".into()));
        let mut skewed = standing();
        skewed.link.offset_ms = Some(-3_600_000);
        assert_eq!(seen(&skewed), (Shape::Wrong, "Jam komputer salah".into()));
        let mut alone = standing();
        alone.member = None;
        assert_eq!(seen(&alone).0, Shape::Unbegun);
    }

    #[test]
    fn the_chain_breaks_where_the_last_attempt_did() {
        use Step::{Broken, Unknown, Whole};
        assert_eq!(chain(Some(0)), [Whole; 3]);
        assert_eq!(chain(None), [Unknown; 3]);
        assert_eq!(chain(Some(101)), [Broken, Unknown, Unknown]);
        assert_eq!(chain(Some(102)), [Whole, Broken, Unknown]);
        assert_eq!(chain(Some(112)), [Whole, Whole, Broken]);
        for ktg in Ktg::ALL.into_iter().filter(|ktg| ktg.number() < 200) {
            assert!(whom_to_call(chain(Some(ktg.number()))).is_some(), "{ktg} names nobody to call");
        }
    }
}
