//! Two sides by turns.

use std::{cell::Cell, time::Duration};

use crate::{
    Failed,
    client::{Round, Side, drive},
    report::{Bar, Report, median, range},
};

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) time: Duration,
}

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Measure {
    /// Answers per second, the first side's over the second's.
    Rate,
    /// Median times of an answer, the first side's over the second's.
    Time,
}

/// Drives both sides by turns, each first in every other round, and reports the ratio of their medians.
pub(crate) async fn compare(
    report: &mut Report,
    plan: Plan,
    what: &str,
    connections: usize,
    sides: [&Side<'_>; 2],
    measure: Measure,
    bar: Bar,
) -> Result<(), Failed> {
    let [ours, other] = sides;
    let next = [Cell::new(0), Cell::new(0)];
    let warm = plan.time / 4;
    drive(ours, connections, warm, &next[0]).await?;
    drive(other, connections, warm, &next[1]).await?;
    let mut rounds: Vec<[Round; 2]> = Vec::with_capacity(plan.rounds);
    for round in 0..plan.rounds {
        let (one, two);
        if round % 2 == 0 {
            one = drive(ours, connections, plan.time, &next[0]).await?;
            two = drive(other, connections, plan.time, &next[1]).await?;
        } else {
            two = drive(other, connections, plan.time, &next[1]).await?;
            one = drive(ours, connections, plan.time, &next[0]).await?;
        }
        rounds.push([one, two]);
    }
    let value = |round: &Round| match measure {
        Measure::Rate => round.rate,
        Measure::Time => round.median,
    };
    let shown = |side: usize| {
        let of = |pick: fn(&Round) -> f64| median(rounds.iter().map(|round| pick(&round[side])));
        match measure {
            Measure::Rate => format!(
                "{:.0}/s, 99%: {:.1} ms",
                of(|one| one.rate),
                of(|one| one.late) / 1e3
            ),
            Measure::Time => format!("{:.2} ms", of(|one| one.median) / 1e3),
        }
    };
    let middle = |side: usize| median(rounds.iter().map(|round| value(&round[side])));
    report.line(
        what,
        [shown(0), shown(1)],
        middle(0) / middle(1),
        range(rounds.iter().map(|[one, two]| value(one) / value(two))),
        bar,
        [0, 1].map(|side: usize| median(rounds.iter().map(|round| round[side].work))),
    );
    Ok(())
}
