//! The text that Prometheus reads: families of samples, each with its name, help and kind once.

use std::fmt::Write;

/// Every name begins so.
const PREFIX: &str = "kentongan_hub_";

/// A label and its value.
pub(crate) type Label<'a> = (&'a str, &'a str);

/// The page under way.
#[derive(Debug, Default)]
pub(crate) struct Page {
    text: String,
}

/// A family under way.
#[derive(Debug)]
pub(crate) struct Family<'p> {
    page: &'p mut Page,
    name: String,
}

impl Page {
    /// A number that goes up and down.
    pub(crate) fn gauge(&mut self, name: &str, help: &str) -> Family<'_> {
        self.family(format!("{PREFIX}{name}"), help, "gauge")
    }

    /// A number that only grows while the hub runs.
    pub(crate) fn counter(&mut self, name: &str, help: &str) -> Family<'_> {
        self.family(format!("{PREFIX}{name}"), help, "counter")
    }

    /// How many were how large.
    pub(crate) fn histogram(&mut self, name: &str, help: &str) -> Family<'_> {
        self.family(format!("{PREFIX}{name}"), help, "histogram")
    }

    /// A gauge or counter under a name that all programs share.
    pub(crate) fn common(&mut self, name: &str, help: &str, kind: &str) -> Family<'_> {
        self.family(name.to_owned(), help, kind)
    }

    fn family(&mut self, name: String, help: &str, kind: &str) -> Family<'_> {
        // Writing to a string does not fail, here and below.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Family { page: self, name }
    }

    /// The whole page.
    pub(crate) fn finish(self) -> String {
        self.text
    }
}

impl Family<'_> {
    /// A sample without labels.
    pub(crate) fn is(self, value: f64) {
        self.with(&[], value);
    }

    /// A sample with labels.
    pub(crate) fn with(self, labels: &[Label<'_>], value: f64) -> Self {
        self.sample("", labels, value)
    }

    /// A sample of a histogram: so many up to each bound, and the sum of all. The last class has no bound.
    pub(crate) fn spread(
        mut self,
        labels: &[Label<'_>],
        classes: impl IntoIterator<Item = (Option<f64>, u64)>,
        sum: f64,
    ) -> Self {
        let mut count = 0;
        for (bound, more) in classes {
            count += more;
            let bound = bound.map_or_else(|| "+Inf".to_owned(), |bound| bound.to_string());
            let labels: Vec<Label<'_>> = labels.iter().copied().chain([("le", bound.as_str())]).collect();
            self = self.sample("_bucket", &labels, count as f64);
        }
        self.sample("_sum", labels, sum).sample("_count", labels, count as f64)
    }

    fn sample(self, ending: &str, labels: &[Label<'_>], value: f64) -> Self {
        let text = &mut self.page.text;
        text.push_str(&self.name);
        text.push_str(ending);
        for (place, (label, value)) in labels.iter().enumerate() {
            let _ = write!(text, "{}{label}=\"{}\"", if place == 0 { '{' } else { ',' }, escaped(value));
        }
        if !labels.is_empty() {
            text.push('}');
        }
        let _ = writeln!(text, " {value}");
        self
    }
}

/// A label's value may hold anything.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_written_as_prometheus_reads_it() {
        let mut page = Page::default();
        page.gauge("offices", "Offices.").with(&[("status", "ok")], 3.0).with(&[("status", "a\"b\\c\n")], 0.5);
        page.counter("sessions_total", "Sessions.").is(7.0);
        page.histogram("took_seconds", "Time.").spread(&[], [(Some(0.5), 2), (Some(10.0), 1), (None, 4)], 99.25);
        let expected = r#"# HELP kentongan_hub_offices Offices.
# TYPE kentongan_hub_offices gauge
kentongan_hub_offices{status="ok"} 3
kentongan_hub_offices{status="a\"b\\c\n"} 0.5
# HELP kentongan_hub_sessions_total Sessions.
# TYPE kentongan_hub_sessions_total counter
kentongan_hub_sessions_total 7
# HELP kentongan_hub_took_seconds Time.
# TYPE kentongan_hub_took_seconds histogram
kentongan_hub_took_seconds_bucket{le="0.5"} 2
kentongan_hub_took_seconds_bucket{le="10"} 3
kentongan_hub_took_seconds_bucket{le="+Inf"} 7
kentongan_hub_took_seconds_sum 99.25
kentongan_hub_took_seconds_count 7
"#;
        assert_eq!(page.finish(), expected);
    }
}
