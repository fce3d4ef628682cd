//! Markdown that can be pasted into docs/benchmarks.md.

use super::comparison::{Rounds, Summary};
use super::measure::Measurement;
use super::setting::Setting;
use super::statistics::Spread;

/// One measurement.
pub(super) fn alone(setting: &Setting, measured: &Measurement) -> String {
    let Measurement { mode, seconds_median, seconds_min, seconds_max, memory, .. } = measured;
    let others = measured.other_cores.map_or_else(|| "unknown".to_owned(), |cores| format!("{cores:.2}"));
    let rows = [
        ("what", format!("{mode}, {}", setting.described())),
        ("where", format!("{}, {} threads", measured.device_name, measured.threads)),
        ("seconds, median", significant(*seconds_median)),
        (
            "seconds, least to most",
            format!("{} to {} of {}", significant(*seconds_min), significant(*seconds_max), setting.repeats),
        ),
        ("peak memory", format!("{} MiB ({})", optional(memory.peak_mib), memory.how)),
        ("times an hour", format!("{:.0}", 3600.0 / seconds_median)),
        ("loss", format!("{:.6}", measured.loss)),
        ("parameters", measured.params.to_string()),
        ("cores busy elsewhere", others),
    ];
    let lines = rows.map(|(name, value)| format!("| {name} | {value} |"));
    format!("| | |\n|---|---|\n{}", lines.join("\n"))
}

/// A row for each setting.
pub(super) fn rows(measured: &[(Setting, Rounds)]) -> String {
    let compared = measured.iter().any(|(_, rounds)| rounds.peer().is_some());
    let mut lines = if compared {
        vec![
            "| what | distil, s | peer, s | distil / peer | distil, MiB | peer, MiB | distil / peer |"
                .to_owned(),
            "|---|---:|---:|---:|---:|---:|---:|".to_owned(),
        ]
    } else {
        vec!["| what | distil, s | distil, MiB |".to_owned(), "|---|---:|---:|".to_owned()]
    };
    for (setting, rounds) in measured {
        let what = format!("{}, {}", setting.mode.name(), setting.described());
        let ours = rounds.distil();
        let cells = match rounds.peer() {
            None if compared => {
                let none = || "–".to_owned();
                vec![what, spread(ours.seconds), none(), none(), peak(ours), none(), none()]
            }
            None => vec![what, spread(ours.seconds), peak(ours)],
            Some(theirs) => vec![
                what,
                spread(ours.seconds),
                spread(theirs.seconds),
                ratio(rounds.ratio(|sample| Some(sample.seconds))),
                peak(ours),
                peak(theirs),
                ratio(rounds.ratio(|sample| sample.peak_mib)),
            ],
        };
        lines.push(format!("| {} |", cells.join(" | ")));
    }
    lines.extend(noise(measured));
    lines.join("\n")
}

/// A warning when the machine was not idle.
pub(super) fn noise(measured: &[(Setting, Rounds)]) -> Option<String> {
    let most = measured.iter().filter_map(|(_, rounds)| rounds.other_cores()).max_by(f64::total_cmp)?;
    (most >= 0.2)
        .then(|| format!("\nOther processes kept up to {most:.1} cores busy: repeat on an idle machine."))
}

/// Median, and in brackets least and most.
fn spread(values: Spread) -> String {
    let Spread { median, min, max } = values;
    if min == max {
        return significant(median);
    }
    format!("{} ({} to {})", significant(median), significant(min), significant(max))
}

fn peak(summary: Summary) -> String {
    summary.peak_mib.map_or_else(|| "–".to_owned(), spread)
}

fn ratio(ratio: Option<Spread>) -> String {
    ratio.map_or_else(
        || "–".to_owned(),
        |ratio| {
            format!(
                "**{}** ({} to {})",
                significant(ratio.median),
                significant(ratio.min),
                significant(ratio.max)
            )
        },
    )
}

pub(super) fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), significant)
}

/// Three significant digits, without an exponent.
pub(super) fn significant(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let digits = 2 - value.abs().log10().floor() as i32;
    format!("{value:.*}", usize::try_from(digits).unwrap_or(0).min(9))
}

#[cfg(test)]
mod tests {
    use super::significant;

    #[test]
    fn three_digits_are_enough() {
        let shown = [0.012_345, 0.712, 6.867_6, 71.26, 712.6, 7126.4, 0.0].map(significant);
        assert_eq!(shown, ["0.0123", "0.712", "6.87", "71.3", "713", "7126", "0"]);
    }
}
