//! What keeps people out: pages are looked at by axe-core, on a large screen, on a telephone and on a tablet, and gone through
//! with the Tab key. `KENTONGAN_AXE` names `axe.min.js` of the npm package `axe-core`; without it this is not told.

use kentongan_tests::browser::Browser;

/// Widths at which pages are looked at: an office's screen, a telephone, a tablet held upright.
const WIDTHS: [u32; 3] = [1366, 360, 768];

/// A browser, and what looks at its pages.
pub(crate) struct Look {
    pub(crate) browser: Browser,
    axe: String,
    /// What was found so far, one a line.
    found: Vec<String>,
}

impl Look {
    /// Looks at nothing yet. Without axe-core or a browser it says that `story` is skipped.
    pub(crate) fn start(story: &str) -> Option<Look> {
        let Some(file) = std::env::var_os("KENTONGAN_AXE") else {
            println!("SKIPPED: {story}, because KENTONGAN_AXE names no axe.min.js");
            return None;
        };
        let axe = std::fs::read_to_string(&file).expect("KENTONGAN_AXE names axe.min.js");
        Some(Look { browser: Browser::start(story)?, axe, found: Vec::new() })
    }

    /// Looks at the page that is open.
    pub(crate) fn at(&mut self, name: &str) {
        let axe = format!("{}; true", self.axe);
        self.browser.run(&axe);
        for width in WIDTHS {
            self.browser.resize(width, 768);
            let found = self.browser.run(
                "axe.run().then(found => found.violations.map(v => v.id + ': ' + \
                 v.nodes.map(n => n.html).join(' | ')).join('\\n'))",
            );
            self.note(name, width, found.as_str().expect("what axe found"));
            let wide = self.browser.run("document.documentElement.scrollWidth - document.documentElement.clientWidth");
            self.note(name, width, if wide == 0 { "" } else { "scrolls sideways" });
            self.browser.keeps_picture(&format!("semua-{name}-{width}"));
        }
        self.browser.resize(1366, 768);
    }

    /// Goes through the page with Tab: whatever can be pressed or filled in has its turn, and can be seen then.
    pub(crate) fn through(&mut self, name: &str) {
        let stops = self.browser.run(
            "{ const can = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex=\"0\"]'; \
             const first = (e) => e.type !== 'radio' || e.checked || (e === document.getElementsByName(e.name)[0] && \
             ![...document.getElementsByName(e.name)].some((other) => other.checked)); \
             globalThis.goals = [...document.querySelectorAll(can)].filter((e) => \
             e.tabIndex >= 0 && !e.disabled && (e.matches('summary') || !e.closest('details:not([open])')) && e.getClientRects().length && first(e)); \
             globalThis.come = new Set(); globalThis.covered = []; \
             document.addEventListener('focusin', ({ target: e }) => { come.add(e); const box = e.getBoundingClientRect(); \
             const top = document.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height / 2, 20)); \
             if (!top || !(e.contains(top) || top.contains(e))) covered.push(e.outerHTML.slice(0, 120)); }); \
             goals.length }",
        );
        // A date has a stop for its day, its month, its year and its calendar.
        let dates = self.browser.run("3 * goals.filter((e) => e.type === 'date').length");
        let presses = [stops, dates].map(|number| number.as_u64().expect("a number"));
        for _ in 0..presses.iter().sum::<u64>() + 5 {
            self.browser.presses("Tab", 0);
        }
        let missed = "goals.filter((e) => !come.has(e)).map((e) => 'no Tab comes to ' + e.outerHTML.slice(0, 120))\
                      .concat(covered.map((e) => 'has the focus unseen: ' + e)).join('\\n')";
        let missed = self.browser.run(missed);
        self.note(name, 1366, missed.as_str().expect("what Tab misses"));
    }

    fn note(&mut self, name: &str, width: u32, found: &str) {
        self.found.extend(found.lines().map(|line| format!("{name}, {width}: {line}")));
    }

    /// Fills in a form as a script would, and sends it.
    pub(crate) fn submits(&mut self, fields: &[(&str, &str)], form: &str) {
        self.browser.goes(|browser| {
            for (name, value) in fields {
                browser.run(&format!("document.querySelector('{form} [name={name}]').value = '{value}'"));
            }
            browser.run(&format!("document.querySelector('{form}').requestSubmit()"));
        });
    }

    /// Nothing was found.
    ///
    /// # Panics
    /// If something was.
    pub(crate) fn found_nothing(self) {
        assert!(self.found.is_empty(), "what keeps people out:\n{}", self.found.join("\n"));
    }
}
