//! The short form of the crash lab: each case a few rounds. `--bin lab -- --minutes M` plays them as long as you like.

use kentongan_tests::Dice;
use kentongan_tests::lab::{Lab, Row, copies, full, kills, pause, power, steps, writes};
use kentongan_tests::programs::{Program, STOP_AT};

fn play(case: fn(&mut Lab) -> Row) -> Row {
    case(&mut Lab::short(Dice::from_environment("crash lab", 11))).held()
}

#[test]
fn what_was_said_to_be_saved_survives_kills_at_any_instant_of_anybody() {
    play(kills::random);
}

#[test]
fn an_office_killed_at_any_named_step_goes_on_where_it_stopped() {
    play(steps::agent);
}

#[test]
fn a_hub_killed_at_any_named_step_goes_on_where_it_stopped() {
    play(steps::hub);
}

#[test]
#[cfg(debug_assertions)]
fn every_named_step_is_one_at_which_the_lab_kills() {
    let reached = steps::reached();
    for step in kentongan_host::steps::Step::ALL {
        assert!(reached.contains(&step.name()), "nobody is killed at {}", step.name());
    }
}

#[test]
fn only_development_builds_know_where_they_can_be_stopped() {
    for program in [Program::Agent, Program::Hub] {
        let bytes = std::fs::read(program.path()).expect("read a program");
        for word in [STOP_AT, "agent.save.committed", "hub.jobs.committed", "file.renamed"] {
            let there = bytes.windows(word.len()).any(|part| part == word.as_bytes());
            // Names are only in a program that can reach them.
            if !cfg!(debug_assertions) || word == STOP_AT {
                assert_eq!(there, cfg!(debug_assertions), "{word} in {program:?}");
            }
        }
    }
}

#[test]
fn an_office_killed_at_any_write_keeps_what_it_said_it_saved() {
    play(writes::agent_killed);
}

#[test]
fn an_entry_whose_write_or_flush_failed_is_not_said_to_be_saved() {
    play(writes::agent_failing);
}

#[test]
fn a_hub_killed_at_any_write_has_what_it_said_it_has() {
    play(writes::hub_killed);
}

#[test]
fn a_hub_whose_flush_failed_says_that_it_has_nothing_new_and_ends() {
    play(writes::hub_failing);
}

#[test]
fn copies_of_a_folder_taken_while_it_is_written_deliver_once_and_are_told() {
    play(copies::both_deliver);
}

#[test]
fn without_space_an_office_refuses_in_words_and_still_sends() {
    play(full::agent);
}

#[test]
fn without_space_the_hub_takes_nothing_and_goes_on_when_there_is_space() {
    play(full::hub);
}

#[test]
fn a_power_cut_at_an_office_takes_nothing_that_was_saved() {
    play(power::agent);
}

#[test]
fn a_power_cut_at_the_hub_takes_nothing_that_it_said_it_has() {
    play(power::hub);
}

#[test]
fn a_disk_that_turns_read_only_refuses_in_words() {
    play(power::readonly);
}

#[test]
fn who_sleeps_in_an_exchange_goes_on_when_awake() {
    play(pause::both);
}
