//! `distil methods`: the methods there are.

use distil_store::LabelKind;

use crate::console::Console;
use crate::failure::Failure;

pub(crate) fn methods(console: &Console) -> Result<(), Failure> {
    let mut lines =
        vec!["| method | | published | labels | experts |".to_owned(), "|---|---|---|---|---|".to_owned()];
    for row in distil_match::methods() {
        let labels = match row.labels() {
            LabelKind::Hard => "hard",
            LabelKind::Soft => "soft",
        };
        let experts = if row.needs_experts() { "needed" } else { "–" };
        lines.push(format!("| `{}` | {} | {} | {labels} | {experts} |", row.name, row.title, row.published));
    }
    console.result(lines.join("\n"))
}
