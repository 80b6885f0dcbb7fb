//! `logs`

use std::collections::VecDeque;

use kentongan_host::logging::{Tail, log_file, render_text, tail};
use kentongan_host::{Exit, Failure, moment};
use serde_json::Value;

use super::Context;
use super::args::LogsArgs;

pub(super) fn run(context: &Context<'_>, args: &LogsArgs) -> Result<Exit, Failure> {
    let level = match &args.level {
        None => tracing::Level::TRACE,
        Some(text) => text.parse().map_err(|_| {
            Failure::usage(
                format!("{text:?} bukan tingkat catatan: error, warn, info, debug"),
                format!("{text:?} is no level: error, warn, info, debug"),
            )
        })?,
    };
    let path = log_file(&context.dir);
    let mut last: VecDeque<Value> = VecDeque::new();
    let wanted = Tail { since_ms: None, level, follow: false };
    tail(&path, wanted, &|| false, &mut |line| {
        last.push_back(line.clone());
        if last.len() > args.lines {
            last.pop_front();
        }
        true
    })?;
    last.iter().for_each(|line| show(context, line));
    if args.follow && !context.out.closed() {
        let since_ms = last.back().and_then(|line| line.get("ts")?.as_str()?.parse::<jiff::Timestamp>().ok());
        let since_ms = since_ms.map(|time| time.as_millisecond() + 1);
        let wanted = Tail { since_ms, level, follow: true };
        tail(&path, wanted, &|| !context.out.closed(), &mut |line| {
            show(context, line);
            !context.out.closed()
        })?;
    }
    Ok(Exit::Done)
}

fn show(context: &Context<'_>, line: &Value) {
    match context.out.json {
        true => context.out.document(line),
        false => context.out.line(&render_text(line, &moment::zone())),
    }
}
