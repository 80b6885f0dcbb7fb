//! Help inside the program: what a code means and what to do, with no network.

use askama::Template;
use hyper::StatusCode;
use kentongan_host::ktg::Ktg;
use kentongan_web::Reply;

use super::shell::{self, Shell};

#[derive(Debug, Template)]
#[template(path = "help.html")]
struct Contents<'a> {
    s: &'a Shell,
    codes: Vec<(String, &'static str)>,
}

#[derive(Debug, Template)]
#[template(path = "help_code.html")]
struct Page<'a> {
    s: &'a Shell,
    code: String,
    sentence: &'static str,
    next: &'static str,
    explanation: Vec<String>,
}

/// What there is help on.
pub(super) fn contents(shell: &Shell) -> Reply {
    let codes = Ktg::ALL.into_iter().map(|ktg| (ktg.to_string(), ktg.sentence(shell.w.lang))).collect();
    shell::page(&Contents { s: &shell.clone().at("bantuan"), codes })
}

/// One code.
pub(super) fn page(shell: &Shell, code: &str) -> Reply {
    let Ok(ktg) = code.parse::<Ktg>() else {
        return shell::refusal(shell, StatusCode::NOT_FOUND, "tolak.tidak_ada");
    };
    let lang = shell.w.lang;
    let (sentence, next) = (ktg.sentence(lang), ktg.next_step(lang));
    // The page of the command line begins with the sentence and ends with the next step.
    let explanation = ktg.help(lang).split("\n\n").skip(1).filter(|part| *part != next).map(str::to_owned).collect();
    shell::page(&Page { s: &shell.clone().at("bantuan"), code: ktg.to_string(), sentence, next, explanation })
}
