//! When the service does what. No clock, no dice, no waiting: time and random numbers are given, and what is to be done
//! is given back. The service's loop and the simulator run the same [`Agenda`].
//!
//! ```text
//!   time, new work, a dropped file,  ──▶ Agenda ──▶ talk to the hub, look into the inbox,
//!   settings, how a contact ended                   note when, end
//! ```
//!
//! - One contact and one look at a time; neither waits for the other, and a wish to stop waits for nothing.
//! - A link that was good a moment ago and is silent now is tried again at once, then every second or two, then less
//!   and less often: it comes back without telling anybody.
//! - Other failures space the attempts out, up to `sync.backoff_max`; new work brings the next one forward, but never before
//!   the time that the hub asked to be left alone. Urgent complaints keep a quarter of that time.
//! - Another program takes over when what is under way has ended; nothing is begun meanwhile.
//! - Where the rules of the link let nothing go now, nothing is tried before they do; new work is asked about all the same,
//!   without a word to the hub.

use kentongan_protocol::session::pacing::Pacing;

use crate::agent::needs_a_person;
use crate::sync::ContactReport;

/// After new work, wait this long for more of it before talking, in milliseconds. Nothing is ever due sooner than this
/// after a contact.
pub const GATHER_MS: u64 = 300;

/// New work while the hub is out of reach brings the next attempt forward to this, in milliseconds.
pub const EAGER_RETRY_MS: u64 = 15_000;

/// A link on which the hub was heard so lately, in milliseconds, is soon there again.
pub const LATELY_MS: u64 = 3 * 60_000;

/// Between two attempts on such a link, in milliseconds, at least, and as much again by chance.
pub const NOTICE_MS: u64 = 1_000;

/// The same as a part of the time that it has been silent.
const NOTICE_SHARE: u64 = 24;

/// An agent that starts waits up to so many milliseconds before it talks: where the power comes back, everybody starts.
pub const START_SPREAD_MS_MAX: u64 = 15_000;

/// However long a hub asks to be left alone, it is asked again after this many milliseconds.
pub const COME_BACK_MS_MAX: u64 = 10 * 60_000;

/// Urgent complaints come back after this part of it.
const URGENT_SHARE: u64 = 4;

/// Where the rules let nothing go they are asked again after this many milliseconds: a clock may be set right.
pub const REST_MS_MAX: u64 = 60 * 60_000;

/// After a contact a knock of the hub waits this long, in milliseconds: a hub that knocks all the time is not followed
/// without end.
pub const KNOCK_GAP_MS: u64 = 5_000;

/// Between two looks into the inbox, in milliseconds: a large file that is being copied tells of itself all the time.
pub const LOOK_GAP_MS: u64 = 100;

/// Everything that can wake the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Time has passed.
    Time,
    /// There is something new to send.
    NewWork {
        /// An urgent complaint is among what waits.
        urgent: bool,
    },
    /// The hub has something for this office.
    Knocked,
    /// Something happened in the inbox folder.
    InboxChanged,
    /// The configuration may have changed.
    Reload,
    /// Another configuration is in force, or this PC was enrolled: what failed before may go well now.
    Changed(Pacing),
    /// A contact ended.
    Ended(Ended),
    /// A look into the inbox ended; the next one is wanted after so many milliseconds.
    Looked {
        /// Milliseconds.
        again_in_ms: u64,
    },
    /// The disk failed under the store: nothing more should be asked of it in this process.
    DiskFailed,
    /// Another program is to go on from here, and nobody types.
    Replaced,
    /// Asked to stop.
    Stop,
}

/// How a contact ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Whether this agenda asked for it; people can, too.
    pub own: bool,
    /// How.
    pub how: How,
    /// Seconds to stay away, at the hub's wish; 0: none.
    pub come_back_s: u32,
    /// An urgent complaint still waits.
    pub urgent: bool,
}

impl Ended {
    /// How a contact ended that left this report; none: the store failed.
    pub fn of(own: bool, report: Option<&ContactReport>) -> Ended {
        let Some(report) = report else { return Ended { own, how: How::Failed, come_back_s: 0, urgent: false } };
        let how = match &report.failure {
            None => report.rests_ms.map_or(How::Well, |ms| How::Rests { ms }),
            Some(failure) if needs_a_person(failure.ktg) => How::NeedsPerson,
            Some(failure) if failure.is_silence() => How::Silent { heard: report.down_bytes > 0 },
            Some(_) => How::Failed,
        };
        Ended { own, how, come_back_s: report.come_back_s, urgent: report.urgent }
    }
}

/// What a contact came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Nothing more to say.
    Well,
    /// It may go better the next time.
    Failed,
    /// The link gave no answer, or none any more.
    Silent {
        /// The hub said something before.
        heard: bool,
    },
    /// It will go on failing until a person does something.
    NeedsPerson,
    /// This PC belongs to no hub yet.
    NotEnrolled,
    /// The rules of the link let nothing go that there is; the hub was not asked.
    Rests {
        /// For so many milliseconds yet.
        ms: u64,
    },
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Talk to the hub; [`Event::Ended`] is to follow.
    Contact,
    /// Look into the inbox; [`Event::Looked`] is to follow.
    LookIntoInbox,
    /// Read the configuration; [`Event::Changed`] is to follow if it is another one.
    Reload,
    /// Tell people when the next contact is due.
    NoteNext {
        /// Milliseconds from now.
        in_ms: u64,
    },
    /// End. What is under way is broken off.
    End,
    /// End, because only another start shows what is really on the disk.
    GiveUp,
    /// End, and another program goes on.
    MakeWay,
}

/// What the service waits for. Milliseconds are those of any clock that does not jump.
#[derive(Debug, Clone)]
pub struct Agenda {
    pacing: Pacing,
    contact_at_ms: u64,
    /// The hub's wish.
    not_before_ms: u64,
    /// As far as it holds for urgent complaints.
    urgent_not_before_ms: u64,
    failures: u32,
    /// When the hub was heard last, or the service began: a PC and its modem are switched on together.
    heard_ms: u64,
    /// When a contact ended last, anybody's.
    ended_ms: u64,
    talking: bool,
    /// There was new work while a contact was under way: perhaps it came too late for it.
    work_since: bool,
    look_at_ms: u64,
    looked_ms: Option<u64>,
    looking: bool,
    change_since: bool,
    /// Another program waits for what is under way to end.
    makes_way: bool,
    over: bool,
}

impl Agenda {
    /// Of a service that begins now: everything is due, or nearly. `random` is any number drawn at random; 0 waits for
    /// nothing.
    pub fn new(pacing: Pacing, now_ms: u64, random: u64) -> Agenda {
        let spread_ms = pacing.spread_ms(pacing.interval_ms).min(START_SPREAD_MS_MAX);
        Agenda {
            pacing,
            contact_at_ms: now_ms.saturating_add(random % (spread_ms + 1)),
            not_before_ms: 0,
            urgent_not_before_ms: 0,
            failures: 0,
            heard_ms: now_ms,
            ended_ms: 0,
            talking: false,
            work_since: false,
            look_at_ms: now_ms,
            looked_ms: None,
            looking: false,
            change_since: false,
            makes_way: false,
            over: false,
        }
    }

    /// When [`Event::Time`] is wanted next; `None`: something else comes before.
    pub fn wake_at_ms(&self) -> Option<u64> {
        let contact = (!self.talking).then_some(self.contact_at_ms);
        let look = (!self.looking).then_some(self.look_at_ms);
        contact.into_iter().chain(look).min().filter(|_| !self.over && !self.makes_way)
    }

    /// Whether a contact that this agenda asked for is under way.
    pub fn is_talking(&self) -> bool {
        self.talking
    }

    /// What is to be done now, in order. `random` is any number drawn at random.
    pub fn on(&mut self, event: Event, now_ms: u64, random: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.over {
            return effects;
        }
        match event {
            Event::Time => {}
            Event::NewWork { urgent } => self.hurry(now_ms, urgent),
            Event::Knocked => self.knocked(now_ms),
            Event::InboxChanged => {
                self.change_since = self.looking;
                self.look_at_ms = self.look_at_ms.min(self.soonest_look_ms(now_ms));
            }
            Event::Reload => effects.push(Effect::Reload),
            Event::Changed(pacing) => {
                self.pacing = pacing;
                self.failures = 0;
                self.hurry(now_ms, false);
                self.look_at_ms = self.look_at_ms.min(self.soonest_look_ms(now_ms));
            }
            Event::Ended(ended) => effects.extend(self.ended(ended, now_ms, random)),
            Event::Looked { again_in_ms } => self.looked(again_in_ms, now_ms),
            Event::Replaced => self.makes_way = true,
            Event::DiskFailed | Event::Stop => {
                self.over = true;
                return vec![if event == Event::Stop { Effect::End } else { Effect::GiveUp }];
            }
        }
        if self.makes_way {
            // Nothing is begun any more.
            if !self.talking && !self.looking {
                self.over = true;
                effects.push(Effect::MakeWay);
            }
            return effects;
        }
        if !self.talking && self.contact_at_ms <= now_ms {
            (self.talking, self.work_since) = (true, false);
            effects.push(Effect::Contact);
        }
        if !self.looking && self.look_at_ms <= now_ms {
            (self.looking, self.change_since) = (true, false);
            effects.push(Effect::LookIntoInbox);
        }
        effects
    }

    /// Talks soon, as far as the hub's wish and failures allow.
    fn hurry(&mut self, now_ms: u64, urgent: bool) {
        self.work_since = self.talking;
        let wait_ms = match self.failures {
            0 => GATHER_MS,
            // More to send does not mend what a person has to.
            u32::MAX => return,
            _ => EAGER_RETRY_MS,
        };
        let soonest_ms = now_ms.saturating_add(wait_ms).max(self.not_before_ms(urgent));
        self.contact_at_ms = self.contact_at_ms.min(soonest_ms);
    }

    /// Talks soon because the hub asks for it. A contact that is under way hears of what it is about.
    fn knocked(&mut self, now_ms: u64) {
        if self.talking || self.failures == u32::MAX {
            return;
        }
        let soonest_ms = now_ms.saturating_add(GATHER_MS).max(self.ended_ms.saturating_add(KNOCK_GAP_MS));
        self.contact_at_ms = self.contact_at_ms.min(soonest_ms.max(self.not_before_ms));
    }

    /// How long the hub wishes to be left alone.
    fn not_before_ms(&self, urgent: bool) -> u64 {
        if urgent { self.urgent_not_before_ms } else { self.not_before_ms }
    }

    fn ended(&mut self, ended: Ended, now_ms: u64, random: u64) -> Option<Effect> {
        if ended.own {
            self.talking = false;
        }
        self.ended_ms = now_ms;
        let come_back_ms = u64::from(ended.come_back_s).saturating_mul(1000).min(COME_BACK_MS_MAX);
        if come_back_ms > 0 {
            // Those who were sent away together must not return together.
            let wish = Pacing { interval_ms: 0, backoff_ms_max: come_back_ms, ..self.pacing };
            let away_ms = wish.wait_ms(u32::MAX, random);
            self.not_before_ms = now_ms.saturating_add(away_ms);
            self.urgent_not_before_ms = now_ms.saturating_add(away_ms / URGENT_SHARE);
            self.contact_at_ms = self.contact_at_ms.max(self.not_before_ms);
        }
        let planned_ms = self.contact_at_ms;
        if matches!(ended.how, How::Well | How::Silent { heard: true }) {
            self.heard_ms = now_ms;
        }
        let silent_ms = now_ms.saturating_sub(self.heard_ms);
        let lately = silent_ms <= LATELY_MS;
        self.failures = match ended.how {
            How::Well | How::NotEnrolled => 0,
            How::Rests { .. } if !ended.own => return None,
            How::Rests { .. } => self.failures,
            // The first to notice that something is wrong: what this contact left undone is tried again soon.
            How::Failed | How::Silent { .. } if !ended.own && self.failures == 0 => 1,
            // Somebody who tries again and again must not slow the service down.
            How::Failed | How::Silent { .. } | How::NeedsPerson if !ended.own => return None,
            // Nothing is wrong but the link, and nobody is there whom it could trouble.
            How::Silent { .. } if lately => 1,
            How::Failed | How::Silent { .. } => self.failures.saturating_add(1).min(u32::MAX - 1),
            How::NeedsPerson => u32::MAX,
        };
        let wait_ms = match ended.how {
            How::Silent { heard: true } => GATHER_MS,
            How::Silent { heard: false } if lately => {
                // The longer it lasts, the more offices wait for the same hub.
                let notice_ms = NOTICE_MS.max(silent_ms / NOTICE_SHARE);
                notice_ms + random % (notice_ms + 1)
            }
            // Whose hours end at the same time must not come back at the same moment.
            How::Rests { ms } => {
                ms.clamp(GATHER_MS, REST_MS_MAX) + random % (self.pacing.spread_ms(self.pacing.interval_ms) + 1)
            }
            _ => self.pacing.wait_ms(self.failures, random).max(GATHER_MS),
        };
        self.contact_at_ms = now_ms.saturating_add(wait_ms).max(self.not_before_ms(ended.urgent));
        if !ended.own && self.failures > 0 {
            self.contact_at_ms = self.contact_at_ms.min(planned_ms);
        }
        if std::mem::take(&mut self.work_since) {
            self.hurry(now_ms, ended.urgent);
        }
        Some(Effect::NoteNext { in_ms: self.contact_at_ms.saturating_sub(now_ms) })
    }

    fn looked(&mut self, again_in_ms: u64, now_ms: u64) {
        self.looking = false;
        self.looked_ms = Some(now_ms);
        self.look_at_ms = now_ms.saturating_add(again_in_ms.max(LOOK_GAP_MS));
        if std::mem::take(&mut self.change_since) {
            self.look_at_ms = self.soonest_look_ms(now_ms);
        }
    }

    fn soonest_look_ms(&self, now_ms: u64) -> u64 {
        self.looked_ms.map_or(now_ms, |looked_ms| now_ms.max(looked_ms.saturating_add(LOOK_GAP_MS)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACING: Pacing = Pacing { interval_ms: 300_000, backoff_ms_max: 300_000, jitter_percent: 20 };

    fn ended(how: How, come_back_s: u32) -> Event {
        Event::Ended(Ended { own: true, how, come_back_s, urgent: false })
    }

    /// An agenda whose first contact ended so at the moment 0.
    fn after(how: How, come_back_s: u32) -> Agenda {
        let mut agenda = Agenda::new(PACING, 0, 0);
        assert_eq!(agenda.on(Event::Time, 0, 0), [Effect::Contact, Effect::LookIntoInbox]);
        agenda.on(ended(how, come_back_s), 0, 0);
        agenda
    }

    #[test]
    fn new_work_is_gathered_while_all_is_well_and_spaced_out_while_it_is_not() {
        let mut well = after(How::Well, 0);
        assert_eq!(well.contact_at_ms, 300_000);
        well.on(Event::NewWork { urgent: false }, 1_000, 0);
        well.on(Event::NewWork { urgent: false }, 1_200, 0);
        assert_eq!(well.contact_at_ms, 1_300);

        let mut failing = after(How::Failed, 0);
        for now_ms in [2_000, 6_000, 14_000, 30_000, 62_000] {
            assert_eq!(failing.on(Event::Time, now_ms, 0), [Effect::Contact]);
            failing.on(ended(How::Failed, 0), now_ms, 0);
        }
        assert_eq!(failing.contact_at_ms, 62_000 + 64_000);
        failing.on(Event::NewWork { urgent: false }, 63_000, 0);
        failing.on(Event::NewWork { urgent: false }, 70_000, 0);
        assert_eq!(failing.contact_at_ms, 63_000 + EAGER_RETRY_MS, "not put off by more of it");
    }

    #[test]
    fn a_link_that_was_good_a_moment_ago_is_tried_at_once_and_then_every_moment_for_a_while() {
        let mut agenda = after(How::Well, 0);
        let mut now_ms = agenda.contact_at_ms;
        assert_eq!(agenda.on(Event::Time, now_ms, 0), [Effect::Contact]);
        agenda.on(ended(How::Silent { heard: true }, 0), now_ms, 0);
        assert_eq!(agenda.contact_at_ms, now_ms + GATHER_MS);
        let heard_ms = now_ms;
        while now_ms - heard_ms < LATELY_MS {
            now_ms = agenda.contact_at_ms;
            assert_eq!(agenda.on(Event::Time, now_ms, 0), [Effect::Contact]);
            agenda.on(ended(How::Silent { heard: false }, 0), now_ms, 7);
            let silent_ms = now_ms - heard_ms;
            assert!(agenda.contact_at_ms - now_ms <= 2 * NOTICE_MS.max(silent_ms / NOTICE_SHARE));
        }
        for failures in 2..5 {
            now_ms = agenda.contact_at_ms;
            agenda.on(Event::Time, now_ms, 0);
            agenda.on(ended(How::Silent { heard: false }, 0), now_ms, 0);
            assert_eq!(agenda.contact_at_ms - now_ms, PACING.wait_ms(failures + 1, 0));
        }
        let mut begun = Agenda::new(PACING, 0, 0);
        begun.on(Event::Time, 0, 0);
        begun.on(ended(How::Silent { heard: false }, 0), 9_000, 0);
        assert_eq!(begun.contact_at_ms, 9_000 + NOTICE_MS, "its modem was switched on when it was");
    }

    #[test]
    fn a_knock_is_followed_soon_but_not_again_and_again() {
        let mut agenda = after(How::Well, 0);
        agenda.on(Event::Knocked, 60_000, 0);
        assert_eq!(agenda.contact_at_ms, 60_000 + GATHER_MS);
        assert_eq!(agenda.on(Event::Time, 60_300, 0), [Effect::Contact]);
        agenda.on(Event::Knocked, 60_400, 0);
        agenda.on(ended(How::Well, 0), 60_500, 0);
        assert_eq!(agenda.contact_at_ms, 360_500, "the contact under way heard what it was about");
        agenda.on(Event::Knocked, 60_600, 0);
        assert_eq!(agenda.contact_at_ms, 60_500 + KNOCK_GAP_MS);
        let mut sent_away = after(How::Well, 600);
        sent_away.on(Event::Knocked, 10_000, 0);
        assert!(sent_away.contact_at_ms >= 300_000);
    }

    #[test]
    fn work_that_came_during_a_contact_is_followed_by_another_one() {
        let mut agenda = after(How::Well, 0);
        assert_eq!(agenda.on(Event::Time, 300_000, 0), [Effect::Contact]);
        assert_eq!(agenda.on(Event::NewWork { urgent: false }, 300_100, 0), []);
        let noted = agenda.on(ended(How::Well, 0), 301_000, 0);
        assert_eq!(noted, [Effect::NoteNext { in_ms: GATHER_MS }]);
    }

    #[test]
    fn another_program_waits_for_what_is_under_way_and_nothing_more_is_begun() {
        let mut agenda = Agenda::new(PACING, 0, 0);
        assert_eq!(agenda.on(Event::Time, 0, 0), [Effect::Contact, Effect::LookIntoInbox]);
        assert_eq!(agenda.on(Event::Replaced, 10, 0), []);
        assert_eq!(agenda.on(Event::Looked { again_in_ms: 0 }, 20, 0), []);
        assert_eq!(agenda.on(Event::NewWork { urgent: true }, 900_000, 0), [], "it waits for the other program");
        let ended = agenda.on(ended(How::Well, 0), 900_010, 0);
        assert_eq!(ended.last(), Some(&Effect::MakeWay));
        assert_eq!(agenda.on(Event::Time, u64::MAX, 0), []);
    }

    #[test]
    fn the_wish_of_the_hub_is_kept_whatever_happens_and_has_a_bound() {
        let mut agenda = after(How::Failed, 600);
        agenda.on(Event::NewWork { urgent: false }, 1_000, 0);
        agenda.on(Event::Changed(PACING), 2_000, 0);
        agenda.on(Event::Ended(Ended { own: false, how: How::Well, come_back_s: 0, urgent: false }), 3_000, 0);
        assert!(agenda.contact_at_ms >= 600_000);

        let mut agenda = after(How::Well, 0);
        agenda.on(
            Event::Ended(Ended { own: false, how: How::Failed, come_back_s: u32::MAX, urgent: false }),
            299_000,
            u64::MAX,
        );
        assert!((299_000 + 600_000..=299_000 + 720_000).contains(&agenda.contact_at_ms));
    }

    #[test]
    fn an_urgent_complaint_keeps_a_quarter_of_the_time_that_the_hub_wishes() {
        let sent_away = Ended { own: true, how: How::Failed, come_back_s: 400, urgent: true };
        let mut agenda = after(How::Well, 0);
        agenda.on(Event::Time, 300_000, 0);
        agenda.on(Event::Ended(sent_away), 300_000, 0);
        assert_eq!(agenda.contact_at_ms, 400_000, "one waits");
        let mut agenda = after(How::Failed, 400);
        agenda.on(Event::NewWork { urgent: false }, 1_000, 0);
        assert_eq!(agenda.contact_at_ms, 400_000);
        agenda.on(Event::NewWork { urgent: true }, 2_000, 0);
        assert_eq!(agenda.contact_at_ms, 100_000, "one was entered");
    }

    #[test]
    fn where_the_rules_let_nothing_go_nothing_is_tried_before_they_do_and_all_do_not_return_at_once() {
        let mut agenda = after(How::Rests { ms: 1_800_000 }, 0);
        assert_eq!((agenda.failures, agenda.contact_at_ms), (0, 1_800_000));
        agenda.on(Event::NewWork { urgent: true }, 5_000, 0);
        assert_eq!(agenda.contact_at_ms, 5_000 + GATHER_MS, "perhaps it may go");
        let mut last = Agenda::new(PACING, 0, 0);
        last.on(Event::Time, 0, 0);
        last.on(ended(How::Rests { ms: u64::MAX }, 0), 0, u64::MAX - 15);
        assert!((REST_MS_MAX..=REST_MS_MAX + 60_000).contains(&last.contact_at_ms));
        last.on(Event::Ended(Ended { own: false, how: How::Rests { ms: 1 }, come_back_s: 0, urgent: false }), 10, 0);
        assert!(last.contact_at_ms >= REST_MS_MAX, "who asks by hand hurries nothing");
    }

    #[test]
    fn what_a_person_has_to_mend_is_tried_seldom_until_something_changed() {
        let mut agenda = after(How::NeedsPerson, 0);
        agenda.on(Event::NewWork { urgent: false }, 1_000, 0);
        assert_eq!(agenda.contact_at_ms, 300_000);
        agenda.on(Event::Changed(PACING), 2_000, 0);
        assert_eq!(agenda.contact_at_ms, 2_000 + GATHER_MS);
    }

    #[test]
    fn a_person_who_reaches_the_hub_ends_the_waiting_and_one_who_does_not_prolongs_nothing() {
        let mut agenda = after(How::NeedsPerson, 0);
        agenda.on(Event::Ended(Ended { own: false, how: How::Failed, come_back_s: 0, urgent: false }), 1_000, 0);
        assert_eq!((agenda.failures, agenda.contact_at_ms), (u32::MAX, 300_000));
        agenda.on(Event::Ended(Ended { own: false, how: How::Well, come_back_s: 0, urgent: false }), 2_000, 0);
        assert_eq!((agenda.failures, agenda.contact_at_ms), (0, 302_000));
    }

    #[test]
    fn what_a_failed_contact_by_hand_left_undone_is_tried_again_sooner_than_planned() {
        let mut agenda = after(How::Well, 0);
        let planned_ms = agenda.contact_at_ms;
        let failed = Event::Ended(Ended { own: false, how: How::Failed, come_back_s: 0, urgent: false });
        agenda.on(failed, 1_000, 0);
        assert_eq!(agenda.failures, 1);
        let soon_ms = agenda.contact_at_ms;
        assert!(soon_ms < planned_ms, "{soon_ms}");
        agenda.on(failed, 1_500, 0);
        assert_eq!((agenda.failures, agenda.contact_at_ms), (1, soon_ms));
    }

    #[test]
    fn a_folder_in_which_something_happens_all_the_time_is_looked_into_now_and_then() {
        let mut agenda = after(How::Well, 0);
        let mut looks = 0;
        agenda.on(Event::Looked { again_in_ms: 0 }, 0, 0);
        for now_ms in 1..10_000 {
            if agenda.on(Event::InboxChanged, now_ms, 0).contains(&Effect::LookIntoInbox) {
                looks += 1;
                agenda.on(Event::Looked { again_in_ms: 0 }, now_ms, 0);
            }
        }
        assert_eq!(looks, 99);
    }

    /// Seconds after `back_ms` in which so many offices reach the hub for the first time, the busiest. Each began at
    /// `began_ms` of its own, and nobody was answered from `gone_ms` to `back_ms`.
    fn busiest_second(began_ms: impl Fn(u64) -> u64, gone_ms: u64, back_ms: u64) -> usize {
        let mut state = 99_u64;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 20
        };
        let mut returns = std::collections::BTreeMap::<u64, usize>::new();
        for office in 0..5_000 {
            let mut now_ms = began_ms(office);
            let mut agenda = Agenda::new(PACING, now_ms, random());
            loop {
                now_ms = now_ms.max(agenda.contact_at_ms);
                assert!(agenda.on(Event::Time, now_ms, random()).contains(&Effect::Contact));
                if now_ms >= back_ms {
                    *returns.entry((now_ms - back_ms) / 1_000).or_default() += 1;
                    break;
                }
                let how = if now_ms < gone_ms { How::Well } else { How::Silent { heard: false } };
                agenda.on(ended(how, 0), now_ms, random());
            }
        }
        assert!(*returns.last_key_value().expect("all return").0 <= 2 * 300, "all are back in ten minutes");
        *returns.values().max().expect("all return")
    }

    #[test]
    fn five_thousand_offices_do_not_return_in_the_same_second() {
        let (hour_ms, spread) = (3_600_000, |office: u64| office * 60);
        for outage_ms in [10_000, 120_000, 600_000, 2 * hour_ms] {
            let most = busiest_second(spread, hour_ms, hour_ms + outage_ms);
            assert!(most <= 400, "after {outage_ms} ms without the hub: {most} in a second");
        }
        let most = busiest_second(|_| hour_ms, hour_ms, hour_ms);
        assert!(most <= 400, "after a power cut: {most} in a second");
    }

    /// Laws, whatever happens in whatever order: no effect without an end to it, one of each kind at a time, no busy
    /// loop, never later than the longest wait, and a stop ends it at once.
    #[test]
    fn it_neither_spins_nor_sleeps_in_and_always_ends() {
        let mut state = 7_u64;
        let mut below = move |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % bound
        };
        for run in 0..300 {
            let jitter_percent = [0, 20, 100][run % 3];
            let pacing = Pacing { interval_ms: 1_000 + below(600_000), backoff_ms_max: 300_000, jitter_percent };
            let longest_ms = 2 * pacing.interval_ms.max(COME_BACK_MS_MAX).max(REST_MS_MAX);
            let (mut now_ms, mut agenda) = (below(1 << 40), Agenda::new(pacing, 0, 0));
            let (mut talking, mut looking) = (false, false);
            let (mut began_ms, mut contacts) = (now_ms, 0);
            for _ in 0..300 {
                let come_back_s = if below(10) == 0 { below(1 << 32) as u32 } else { 0 };
                let how = match below(7) {
                    0 => How::Well,
                    1 => How::Failed,
                    2 => How::NeedsPerson,
                    3 => How::NotEnrolled,
                    6 => How::Rests { ms: below(u64::MAX) },
                    silent => How::Silent { heard: silent == 4 },
                };
                let event = match below(10) {
                    0 => Event::NewWork { urgent: false },
                    1 => Event::InboxChanged,
                    2 => Event::Reload,
                    3 => Event::Changed(pacing),
                    4 => Event::Ended(Ended { own: false, how, come_back_s, urgent: below(2) == 0 }),
                    5 | 6 if talking => {
                        talking = false;
                        ended(how, come_back_s)
                    }
                    7 if looking => {
                        looking = false;
                        Event::Looked { again_in_ms: below(60_000) }
                    }
                    _ => Event::Time,
                };
                let reload = event == Event::Reload;
                let effects = agenda.on(event, now_ms, below(u64::MAX));
                assert_eq!(effects.contains(&Effect::Reload), reload);
                if effects.contains(&Effect::Contact) {
                    assert!(!talking && (contacts == 0 || now_ms >= began_ms), "one at a time");
                    (talking, contacts, began_ms) = (true, contacts + 1, now_ms);
                }
                if effects.contains(&Effect::LookIntoInbox) {
                    assert!(!looking);
                    looking = true;
                }
                assert_eq!(agenda.is_talking(), talking);
                match agenda.wake_at_ms() {
                    // What is due was begun: whoever sleeps until then does not spin.
                    Some(wake_ms) => {
                        assert!(wake_ms > now_ms && wake_ms - now_ms <= longest_ms);
                        now_ms = if below(3) == 0 { wake_ms } else { now_ms + below(1_000) };
                    }
                    None => {
                        assert!(talking && looking, "asleep for ever");
                        now_ms += below(1_000);
                    }
                }
            }
            assert_eq!(agenda.on(Event::Stop, now_ms, 0), [Effect::End]);
            assert_eq!((agenda.on(Event::NewWork { urgent: false }, now_ms, 0), agenda.wake_at_ms()), (vec![], None));
        }
    }
}
