//! An inspection in Markdown.

use distil_store::{Activations, Distance, Inspection};

/// Distances between classes and the spread of activations.
pub fn inspection_table(inspection: &Inspection) -> String {
    let mut lines = vec!["| iteration | distance between classes |".to_owned(), "|---:|---:|".to_owned()];
    let distance = |at: &Distance| format!("| {} | {:.3} |", at.iteration, at.distance);
    lines.extend(inspection.distances.iter().map(distance));
    lines.extend(inspection.real_distance.map(|real| format!("| real images | {real:.3} |")));
    lines.push("\n| images | mean activation | activation ≥ 0.5 |\n|---|---:|---:|".to_owned());
    let spread = |spread: &Activations| {
        format!("| {} | {:.3} | {:.1} % |", spread.name, spread.mean, 100.0 * spread.above_half)
    };
    lines.extend(inspection.activations.iter().map(spread));
    lines.join("\n")
}
