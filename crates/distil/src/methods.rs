//! The methods, with their published settings; [`named`] knows registered ones too.

pub use distil_match::{MethodRow, methods as all, register};

use distil_store::LabelKind;

use crate::Method;

/// The published settings of a method by its name; `None` where there is none of that name.
pub fn named(name: &str) -> Option<Method> {
    distil_match::method(name).map(|row| (row.preset)())
}

/// DM (Zhao & Bilen 2023).
pub fn dm() -> Method {
    Method::dm()
}

/// MTT (Cazenavette et al. 2022).
pub fn mtt() -> Method {
    Method::mtt()
}

/// DATM (Guo et al. 2024).
pub fn datm() -> Method {
    Method::datm()
}

/// Random real images: what every method has to beat.
pub fn random() -> Method {
    Method::random()
}

/// All methods as a table in Markdown: published where, which labels, whether experts are needed, what batch norms do.
pub fn table() -> String {
    let mut lines = vec![
        "| method | | published | labels | experts | batch norms |".to_owned(),
        "|---|---|---|---|---|---|".to_owned(),
    ];
    for row in all() {
        let labels = match row.labels() {
            LabelKind::Hard => "hard",
            LabelKind::Soft => "soft",
        };
        let experts = if row.needs_experts() { "needed" } else { "–" };
        let MethodRow { name, title, published, .. } = row;
        let norms = row.batch_norms();
        lines.push(format!("| `{name}` | {title} | {published} | {labels} | {experts} | {norms} |"));
    }
    lines.join("\n")
}
