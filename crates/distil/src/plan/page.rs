//! A plan as a page of Markdown.

use distil_match::Passes;

use super::{Job, Limit, Plan, Times, size};
use crate::duration;

impl Plan<'_> {
    /// What a run takes in memory, on disk and in time, if it was timed, in Markdown.
    pub fn page(&self, times: Option<&Times>) -> String {
        let job = self.job();
        let sections = [
            headline(self, &job),
            memory(self, &job, self.limit(), self.remedy().as_deref()),
            stored(&job),
            times.map_or_else(|| "Nothing was timed.".to_owned(), |times| time(times, &job)),
        ];
        sections.join("\n\n")
    }
}

fn headline(plan: &Plan<'_>, job: &Job<'_>) -> String {
    let (architecture, [channels, height, width]) = (plan.net().architecture(), plan.net().image_shape());
    let how = if job.kernels.is_some() { "fused kernels" } else { "Burn's operations" };
    let steps = job.method.trajectory().map_or_else(String::new, |t| format!(", N = {}", t.syn_steps));
    format!(
        "{}: {} images, {} a step{steps}; {architecture}, {channels}×{height}×{width}; \
         {how} on {}, {} threads.",
        plan.name(),
        job.images(),
        job.batch(),
        plan.device(),
        job.threads
    )
}

fn memory(plan: &Plan<'_>, job: &Job<'_>, limit: Option<Limit>, remedy: Option<&str>) -> String {
    let memory = job.memory();
    let mut lines = vec!["| memory at the peak | |".to_owned(), "|---|---:|".to_owned()];
    lines.extend(memory.parts.iter().map(|(part, bytes)| format!("| {} | {} |", part.name(), size(*bytes))));
    lines.push(format!("| **all** | **{}** |", size(memory.total())));
    if !plan.device().is_cpu() {
        lines.push("\nHow much memory the device has, and what its own libraries take, is not known; the sum is of process and device.".to_owned());
        return lines.join("\n");
    }
    let verdict = match (limit, remedy) {
        (Some(limit), Some(remedy)) => format!(
            "**It does not fit**: {} are available {}. To make it fit: {remedy}.",
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
    let Times { iteration, validation, validations, .. } = times;
    let passes = job.method.objective.cost(job.images() as usize, job.net.classes()).passes;
    let iterations = job.method.iterations;
    let each = if iterations == 0 {
        "| it takes real images and has no iterations | – |".to_owned()
    } else {
        let hourly = times.iterations_an_hour();
        format!(
            "| one iteration: {} | {} |\n| iterations an hour | {hourly:.0} |",
            parts(&passes, times),
            duration(*iteration)
        )
    };
    [
        "| time on this device, as busy as it is now | |".to_owned(),
        "|---|---:|".to_owned(),
        each,
        if *validations == 0 {
            "| nothing is held out, and nothing is validated | – |".to_owned()
        } else {
            format!("| {validations} validations, each | {} |", duration(*validation))
        },
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
        (passes.forward, "forward passes", times.plain * Times::CLASSIFICATION),
        (passes.plain, "gradients", times.plain),
        (passes.dual, "second-order products", times.dual),
    ];
    let there = kinds.into_iter().filter(|(count, ..)| *count > 0);
    let parts: Vec<String> =
        there.map(|(count, what, seconds)| format!("{count} {what} of {:.2} ms", 1e3 * seconds)).collect();
    parts.join(" and ")
}
