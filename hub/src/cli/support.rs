//! `support-bundle`

use kentongan_host::support::Bundle;
use kentongan_host::{Clock, Exit, Failure, SystemClock};
use serde::Serialize;
use serde_json::Value;

use super::ask::{ask, unexpected};
use super::{Context, doctor, document};
use crate::config::{load, sources};
use crate::service::{Answer, Request, alert};
use kentongan_host::cli::SupportArgs;

pub(super) fn run(context: &Context<'_>, args: &SupportArgs) -> Result<Exit, Failure> {
    let now_ms = SystemClock::new().wall_ms();
    let settings = load(&sources(&context.dir, context.common.config.clone(), Vec::new()));
    let mut bundle = Bundle::of(&context.dir, &settings, now_ms, args.since_ms(now_ms));
    bundle.add("doctor.json", &document("kentongan.doctor/1", &doctor::examine(context)));
    let status = ask(context, Request::Status).and_then(|answer| match answer {
        Answer::Status(status) => told("kentongan.hub.status/1", &*status),
        _ => Err(unexpected()),
    });
    bundle.add_answer("status.json", &status);
    let alerts = ask(context, Request::Alert(alert::Request::List)).and_then(|answer| match answer {
        Answer::Alert(alert::Answer::List(list)) => told("kentongan.hub.alerts/1", &list),
        _ => Err(unexpected()),
    });
    bundle.add_answer("alerts.json", &alerts);
    bundle.hand_over(context.out, args.output.clone(), args.list)
}

fn told(schema: &str, value: &impl Serialize) -> Result<Value, Failure> {
    Ok(document(schema, value))
}
