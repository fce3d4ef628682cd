//! Results of `distil compdd` as Markdown and CSV.

use std::fmt::Write;

use distil_compdd::{Agreement, Measurement, Ranked, Ranking, Selection, SubsetComplexity, Verification};
use distil_stats::p_value;

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{:.2}", 100.0 * value))
}

fn cell(name: &str) -> String {
    name.replace('|', "\\|")
}

fn with_error(mean: f64, error: Option<f64>) -> String {
    match error {
        Some(error) => format!("{:.2} ± {:.2}", 100.0 * mean, 100.0 * error),
        None => format!("{:.2}", 100.0 * mean),
    }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes everything");
}

pub(super) fn classes(measured: &Measurement) -> String {
    let mut text = "| class | images |".to_owned();
    for threshold in &measured.definition.thresholds {
        write!(text, " complexity at {threshold}, % | ± standard error |")
            .expect("a string takes everything");
    }
    text.push_str("\n|---|---:|");
    text.push_str(&"---:|---:|".repeat(measured.definition.thresholds.len()));
    text.push('\n');
    for class in &measured.classes {
        write!(text, "| {} | {} |", cell(&class.name), class.images).expect("a string takes everything");
        for at in 0..measured.definition.thresholds.len() {
            let (complexity, error) = (class.complexity(at), class.standard_error(at));
            write!(text, " {} | {} |", percent(complexity), percent(error))
                .expect("a string takes everything");
        }
        text.push('\n');
    }
    text
}

pub(super) fn agreement(found: &Agreement) -> String {
    let Agreement { threshold, classes, tau } = found;
    let mut text = format!("| class | A at {threshold}, % | B, % |\n|---|---:|---:|\n");
    for [a, b] in classes {
        let shown = [a, b].map(|one| with_error(one.complexity, one.standard_error));
        line(&mut text, format_args!("| {} | {} | {} |", cell(&a.class), shown[0], shown[1]));
    }
    let (tau, p, n) = (tau.coefficient, p_value(tau.p), tau.n);
    line(&mut text, format_args!("\nKendall's τ = {tau:.2}, {p}, n = {n} classes"));
    text
}

pub(super) fn rankings(rankings: &[Ranking]) -> String {
    let mut text = "| category | rank | class | images | complexity ± standard error, % |\n".to_owned();
    text.push_str("|---|---:|---|---:|---:|\n");
    for ranking in rankings {
        for (rank, class) in ranking.classes.iter().enumerate() {
            let Ranked { class, images, complexity, standard_error } = class;
            let shown = with_error(*complexity, *standard_error);
            let (category, class) = (cell(&ranking.category), cell(class));
            line(&mut text, format_args!("| {category} | {} | {class} | {images} | {shown} |", rank + 1));
        }
    }
    text
}

pub(super) fn ranking_csv(rankings: &[Ranking]) -> String {
    let mut table = csv::Writer::from_writer(Vec::new());
    let whole = "memory takes every line";
    let header = ["category", "rank", "class", "images", "threshold", "complexity", "standard_error"];
    table.write_record(header).expect(whole);
    for ranking in rankings {
        for (rank, class) in ranking.classes.iter().enumerate() {
            let Ranked { class, images, complexity, standard_error } = class;
            let cells = [
                ranking.category.clone(),
                (rank + 1).to_string(),
                class.clone(),
                images.to_string(),
                ranking.threshold.to_string(),
                complexity.to_string(),
                standard_error.map_or_else(String::new, |error| error.to_string()),
            ];
            table.write_record(cells).expect(whole);
        }
    }
    String::from_utf8(table.into_inner().expect(whole)).expect("cells are text")
}

pub(super) fn selections(selections: &[Selection]) -> String {
    let mut text =
        "| category | subset | complexity ± standard error, % | classes |\n|---|---|---:|---|\n".to_owned();
    for selection in selections {
        for (subset, classes) in [("easy", &selection.easy), ("hard", &selection.hard)] {
            let mean = SubsetComplexity::of(classes)
                .map_or_else(String::new, |found| with_error(found.mean, found.standard_error));
            let names: Vec<String> = classes.iter().map(|class| cell(&class.class)).collect();
            let category = cell(&selection.category);
            line(&mut text, format_args!("| {category} | {subset} | {mean} | {} |", names.join(", ")));
        }
    }
    text
}

pub(super) fn verifications(found: &[Verification]) -> String {
    let mut text =
        "| category | easy ± standard error, % | hard, % | hard − easy | hard classes confirmed | pairs in order |\n"
            .to_owned();
    text.push_str("|---|---:|---:|---:|---:|---:|\n");
    for one in found {
        let [easy, hard] = [one.easy, one.hard].map(|subset| with_error(subset.mean, subset.standard_error));
        let errors = one.easy.standard_error.zip(one.hard.standard_error);
        let difference =
            with_error(one.hard.mean - one.easy.mean, errors.map(|(easy, hard)| easy.hypot(hard)));
        let (category, confirmed, of) = (cell(&one.category), one.hard_confirmed, one.hard_classes);
        let ordered = 100.0 * one.ordered;
        line(
            &mut text,
            format_args!(
                "| {category} | {easy} | {hard} | {difference} | {confirmed} of {of} | {ordered:.0} % |"
            ),
        );
    }
    text
}
