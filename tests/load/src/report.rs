//! What was found, line by line, and whether it is good enough.

/// Which side of its bar a figure must lie on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bar {
    /// At least this.
    Least(f64),
    /// At most this.
    Most(f64),
    /// It is only told.
    None,
}

impl Bar {
    fn met(self, value: f64) -> bool {
        match self {
            Self::Least(least) => value >= least,
            Self::Most(most) => value <= most,
            Self::None => true,
        }
    }

    fn text(self) -> String {
        match self {
            Self::Least(least) => format!(">= {least}"),
            Self::Most(most) => format!("<= {most}"),
            Self::None => String::new(),
        }
    }
}

/// All lines so far; each is printed as it comes.
#[derive(Debug, Default)]
pub(crate) struct Report {
    missed: Vec<String>,
}

impl Report {
    pub(crate) fn heading() {
        println!(
            "{:<50} {:>22} {:>22} {:>7} {:>13} {:>8} {:>26}",
            "", "registry", "beside it", "ratio", "of rounds", "bar", "processor time"
        );
    }

    /// A line: what, both sides as text, the ratio, its least and most over the rounds.
    pub(crate) fn line(
        &mut self,
        what: &str,
        [ours, other]: [String; 2],
        ratio: f64,
        (least, most): (f64, f64),
        bar: Bar,
        work: [f64; 2],
    ) {
        let met = bar.met(ratio);
        println!(
            "{what:<50} {ours:>22} {other:>22} {ratio:>7.2} {:>13} {:>8} {:>26}{}",
            format!("{least:.2}..{most:.2}"),
            bar.text(),
            work_text(work),
            if met { "" } else { "  MISSED" },
        );
        if !met {
            self.missed
                .push(format!("{what}: {ratio:.2}, not {}", bar.text()));
        }
    }

    /// What missed its bar.
    pub(crate) fn missed(&self) -> &[String] {
        &self.missed
    }
}

/// Processor time on both sides, in microseconds, and the second's over the first's.
fn work_text([ours, other]: [f64; 2]) -> String {
    if ours == 0.0 || other == 0.0 {
        return String::new();
    }
    format!("{ours:.0} us, {other:.0} us: {:.2}", other / ours)
}

/// The middle one.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Least and most.
pub(crate) fn range(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    values
        .into_iter()
        .fold((f64::INFINITY, 0.0), |(least, most), value| {
            (least.min(value), most.max(value))
        })
}
