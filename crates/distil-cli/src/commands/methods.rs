//! `distil methods`: the methods there are.

use distil_match::MethodRow;
use distil_store::LabelKind;

use crate::console::Console;
use crate::failure::Failure;

pub(crate) fn methods(console: &Console) -> Result<(), Failure> {
    let mut lines = vec![
        "| method | | published | labels | experts | batch norms |".to_owned(),
        "|---|---|---|---|---|---|".to_owned(),
    ];
    for row in distil_match::methods() {
        let labels = match row.labels() {
            LabelKind::Hard => "hard",
            LabelKind::Soft => "soft",
        };
        let experts = if row.needs_experts() { "needed" } else { "–" };
        let MethodRow { name, title, published, .. } = row;
        let norms = row.batch_norms();
        lines.push(format!("| `{name}` | {title} | {published} | {labels} | {experts} | {norms} |"));
    }
    console.result(lines.join("\n"))
}
