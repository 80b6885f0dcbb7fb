//! The proof that the simulator finds mistakes: each planted defect must break a run. A plan is kept for each, as a line
//! that says all of it: it breaks with the defect and holds without it. Beside that, a defect can be hunted on fresh
//! ground, to see how many runs it takes.

use std::fmt;
use std::time::Instant;

use kentongan_protocol::planted::{Defect, plant};

use super::plan::Plan;
use super::run::{lines, play, shrunk};

/// A plan for each defect: `DEFECT: PLAN`.
const KEPT: &str = include_str!("../../data/planted-plans.txt");

/// Seeds played after each other.
#[derive(Debug, Clone, Copy)]
pub struct Ground {
    /// The first.
    pub seed: u64,
    /// Events of each run.
    pub steps: usize,
    /// At most so many.
    pub runs: u64,
}

/// A run that a defect broke.
#[derive(Debug, Clone)]
pub struct Caught {
    /// What was played.
    pub plan: Plan,
    /// What broke.
    pub how: String,
    /// Runs until then.
    pub runs: u64,
}

/// What came of a defect.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The defect.
    pub defect: Defect,
    /// Its kept plan, if that showed it.
    pub kept: Option<Caught>,
    /// The first run on fresh ground that showed it, if one did; `None` also if nobody looked.
    pub fresh: Option<Caught>,
    /// Runs played on fresh ground.
    pub runs: u64,
    /// What its kept plan breaks without any defect: then it proves nothing.
    pub untrue: Option<String>,
    /// Seconds for all of it.
    pub seconds: f64,
}

impl Trial {
    /// Whether anything showed it, and its kept plan shows nothing else.
    pub fn is_caught(&self) -> bool {
        self.untrue.is_none() && (self.kept.is_some() || self.fresh.is_some())
    }
}

/// Defect, its kept plan, runs on fresh ground, seconds, what it is and how it showed.
impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = if self.kept.is_some() { "shows" } else { "silent" };
        let fresh = match (&self.fresh, self.runs) {
            (_, 0) => "-".to_owned(),
            (Some(_), runs) => runs.to_string(),
            (None, runs) => format!(">{runs}"),
        };
        let name = self.defect.to_string();
        writeln!(f, "{name:<22} {kept:>6} {fresh:>5} {:>6.1}  {}", self.seconds, self.defect.words())?;
        let how = match (&self.untrue, self.kept.as_ref().or(self.fresh.as_ref())) {
            (Some(broken), _) => format!("THE KEPT PLAN BREAKS WITHOUT IT: {broken}"),
            (None, Some(caught)) => caught.how.clone(),
            (None, None) => "NOT CAUGHT".to_owned(),
        };
        write!(f, "{:<43}{how}", "")
    }
}

/// Plays a plan with a defect. What broke.
fn with(defect: Defect, plan: &Plan) -> Option<String> {
    plant(Some(defect));
    let outcome = play(plan, false);
    plant(None);
    outcome.broken
}

/// The plan kept for a defect.
///
/// # Errors
/// A line that is not of a plan, in words.
pub fn kept(defect: Defect) -> Result<Option<Plan>, String> {
    let of = |line: &'static str| line.split_once(": ").filter(|(name, _)| *name == defect.to_string());
    lines(KEPT).find_map(of).map(|(_, plan)| plan.parse()).transpose()
}

/// Plays plans with a defect until one breaks.
pub fn first_of(defect: Defect, plans: impl IntoIterator<Item = Plan>) -> Result<Caught, u64> {
    let mut runs = 0;
    for plan in plans {
        runs += 1;
        if let Some(how) = with(defect, &plan) {
            return Ok(Caught { plan, how, runs });
        }
    }
    Err(runs)
}

/// The plans of a ground.
fn plans_of(ground: Ground) -> impl Iterator<Item = Plan> {
    (ground.seed..).take(ground.runs as usize).map(move |seed| Plan::of(seed, ground.steps, true))
}

/// Tries to catch a defect: by its kept plan, and on fresh ground if `always` or if the plan shows nothing any more.
///
/// # Errors
/// If the kept plan is not one, in words.
pub fn try_to_catch(defect: Defect, ground: Ground, always: bool) -> Result<Trial, String> {
    let began = Instant::now();
    let plan = kept(defect)?;
    let kept = plan.and_then(|plan| first_of(defect, [plan]).ok());
    let untrue = kept.as_ref().and_then(|kept| play(&kept.plan, false).broken);
    let hunted = if always || kept.is_none() { first_of(defect, plans_of(ground)) } else { Err(0) };
    let runs = hunted.as_ref().map_or_else(|runs| *runs, |caught| caught.runs);
    Ok(Trial { defect, kept, fresh: hunted.ok(), runs, untrue, seconds: began.elapsed().as_secs_f64() })
}

/// A plan to keep for a defect, shortened for at most `seconds_max`: the first of `plans`, or else of the ground, that
/// breaks with it and holds without it. The line of the file of kept plans; `None`: nothing showed it.
pub fn to_keep(defect: Defect, plans: Vec<Plan>, ground: Ground, seconds_max: u64) -> Option<String> {
    plans.into_iter().chain(plans_of(ground)).find_map(|plan| {
        with(defect, &plan)?;
        plant(Some(defect));
        let short = shrunk(&plan, seconds_max);
        plant(None);
        let plan = [short, plan].into_iter().find(|plan| play(plan, false).broken.is_none())?;
        Some(format!("{defect}: {plan}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_kept_for_each_defect() {
        for defect in Defect::ALL {
            assert!(matches!(kept(*defect), Ok(Some(_))), "{defect}");
        }
    }
}
