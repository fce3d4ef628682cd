//! Prints how far some work is, and stops it half-way.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::ops::ControlFlow;

use distil_progress::{News, Progress, Step};

fn sum(numbers: &[u64], progress: Progress<'_>) -> Option<u64> {
    let mut sum = 0;
    for (done, number) in (1..).zip(numbers) {
        sum += number;
        if progress.at(Step::of("add", done, numbers.len() as u64, "numbers")).is_break() {
            return None;
        }
    }
    Some(sum)
}

fn main() {
    let listener = |news: &News<'_>| {
        if let News::Step(step) = news {
            println!("{}: {} of {:?} {}", step.task, step.done, step.total, step.unit);
        }
        let stop = matches!(news, News::Step(step) if step.done == 2);
        if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    println!("{:?}", sum(&[1, 2, 3, 4], Progress::to(&listener)));
    println!("{:?}", sum(&[1, 2, 3, 4], Progress::none()));
}
