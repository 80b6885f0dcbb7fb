//! `metrics …`: what a Prometheus and a Grafana need to watch the hub. These files lie in the program, so that they fit
//! the metrics of this version.

use kentongan_host::{Exit, Failure};

use super::Context;
use super::args::MetricsCommand;

const RULES: &str = include_str!("../../watch/rules.yml");
const DASHBOARD: &str = include_str!("../../watch/dashboard.json");
const SCRAPE: &str = include_str!("../../watch/scrape.yml");

pub(super) fn run(context: &Context<'_>, command: &MetricsCommand) -> Result<Exit, Failure> {
    let file = match command {
        MetricsCommand::Rules => RULES,
        MetricsCommand::Dashboard => DASHBOARD,
        MetricsCommand::ScrapeConfig => SCRAPE,
    };
    context.out.line(file.trim_end());
    Ok(Exit::Done)
}
