//! A plan as Markdown.

use distil_match::Passes;
use distil_match::plan::Job;
use distil_models::ConvNet;

use super::Planned;
use super::calibration::{CLASSIFICATION, Times};
use super::limits::Limit;
use crate::console::duration;
use crate::device::described;

/// All of a plan.
pub(super) fn table(
    planned: &Planned<'_>,
    job: &Job<'_>,
    limit: Option<Limit>,
    times: Option<&Times>,
    remedy: Option<&str>,
) -> String {
    let sections = [
        headline(planned, job),
        memory(planned, job, limit, remedy),
        stored(job),
        times.map_or_else(|| "Nothing was timed.".to_owned(), |times| time(times, job)),
    ];
    sections.join("\n\n")
}

fn headline(planned: &Planned<'_>, job: &Job<'_>) -> String {
    let ConvNet { depth, width, channels, height, image_width, .. } = planned.net;
    let how = if job.kernels.is_some() { "fused kernels" } else { "Burn's operations" };
    let steps = job.method.trajectory().map_or_else(String::new, |t| format!(", N = {}", t.syn_steps));
    format!(
        "{}: {} images, {} a step{steps}; ConvNet depth {depth}, width {width}, {channels}×{height}×{image_width}; \
         {how} on {}, {} threads.",
        planned.config.name,
        job.images(),
        job.batch(),
        described(&planned.device),
        job.threads
    )
}

fn memory(planned: &Planned<'_>, job: &Job<'_>, limit: Option<Limit>, remedy: Option<&str>) -> String {
    let memory = job.memory();
    let mut lines = vec!["| memory at the peak | |".to_owned(), "|---|---:|".to_owned()];
    lines.extend(memory.parts.iter().map(|(part, bytes)| format!("| {} | {} |", part.name(), size(*bytes))));
    lines.push(format!("| **all** | **{}** |", size(memory.total())));
    if !planned.on_host() {
        lines.push("\nHow much memory the device has, and what its own libraries take, is not known; the sum is of process and device.".to_owned());
        return lines.join("\n");
    }
    let verdict = match (limit, remedy) {
        (Some(limit), Some(remedy)) => format!(
            "**It does not fit**: {} are available {}. What would do: {remedy}.",
            size(limit.bytes),
            limit.bound
        ),
        (Some(limit), None) => format!("It fits: {} are available {}.", size(limit.bytes), limit.bound),
        (None, _) => "How much memory is available is not known on this system.".to_owned(),
    };
    lines.push(format!("\n{verdict}"));
    lines.join("\n")
}

fn stored(job: &Job<'_>) -> String {
    let stored = job.stored();
    let rows = [
        ("experts' trajectories", stored.trajectories),
        ("checkpoints", stored.checkpoints),
        ("synthetic sets", stored.sets),
        ("log", stored.events),
    ];
    let mut lines = vec!["| on disk | |".to_owned(), "|---|---:|".to_owned()];
    lines.extend(rows.iter().map(|(what, bytes)| format!("| {what} | {} |", size(*bytes))));
    lines.push(format!("| **all** | **{}** |", size(stored.total())));
    lines.join("\n")
}

fn time(times: &Times, job: &Job<'_>) -> String {
    let Times { iteration, validation, validations, .. } = *times;
    let passes = job.method.objective.cost(job.images() as usize, job.net.classes).passes;
    let iterations = job.method.iterations;
    let hourly = times.iterations_an_hour();
    [
        "| time on this device, as busy as it is now | |".to_owned(),
        "|---|---:|".to_owned(),
        format!("| one iteration: {} | {} |", parts(&passes, times), duration(iteration)),
        format!("| iterations an hour | {hourly:.0} |"),
        format!("| {validations} validations, each | {} |", duration(validation)),
        format!(
            "| **{iterations} iterations with validations, without experts and evaluation** | **{}** |",
            duration(times.total(iterations))
        ),
    ]
    .join("\n")
}

/// What an iteration computes.
fn parts(passes: &Passes, times: &Times) -> String {
    let kinds = [
        (passes.forward, "forward passes", times.plain * CLASSIFICATION),
        (passes.plain, "gradients", times.plain),
        (passes.dual, "second-order products", times.dual),
    ];
    let there = kinds.into_iter().filter(|(count, ..)| *count > 0);
    let parts: Vec<String> =
        there.map(|(count, what, seconds)| format!("{count} {what} of {:.2} ms", 1e3 * seconds)).collect();
    parts.join(" and ")
}

/// Bytes in a unit that leaves few digits.
pub(super) fn size(bytes: u128) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = match value {
        _ if unit == 0 => 0,
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    format!("{value:.digits$} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_short() {
        let shown = [0, 1023, 1024, 10 << 20, 300 << 30, 1536 << 20].map(size);
        assert_eq!(shown, ["0 B", "1023 B", "1.00 KiB", "10.0 MiB", "300 GiB", "1.50 GiB"]);
    }
}
