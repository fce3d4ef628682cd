//! Where a result stands in a run's table: which row it is, what it is called, and which rows stay when others are measured.

use distil_eval::Protocol;
use distil_models::Network;
use distil_store::{Evaluation, OwnWay, RowKind};
use serde_json::json;

/// What tells a row of a run from the others. A row that is measured again takes the place of the one before; all others stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    kind: RowKind,
    arch: String,
    protocol: String,
    seeds: usize,
    network: Whose,
}

/// Whose network students have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// That of the run's configuration, or the published form of another architecture.
    Usual,
    /// Another one of the run's own architecture.
    Other,
}

impl Place {
    /// Of what is to be measured.
    pub(super) fn of_job(kind: RowKind, net: &Network, protocol: &Protocol, own: &OwnWay) -> Self {
        let arch = net.arch().to_string();
        let other = arch == own.arch && json!(net) != own.network;
        let network = if other { Whose::Other } else { Whose::Usual };
        Self { kind, arch, protocol: protocol.described(), seeds: protocol.seeds, network }
    }

    /// Of what was measured.
    pub(super) fn of_row(row: &Evaluation, own: &OwnWay) -> Self {
        let other = row.arch == own.arch
            && row.conditions.as_ref().is_some_and(|conditions| conditions.network != own.network);
        Self {
            kind: row.kind,
            arch: row.arch.clone(),
            protocol: row.protocol.clone(),
            seeds: row.summary.n,
            network: if other { Whose::Other } else { Whose::Usual },
        }
    }

    /// What it is called among all rows of the table. Students as the run's configuration has them need no remark, and of
    /// another protocol its name is enough where no other row has it.
    pub(super) fn title<'a>(&self, own: &OwnWay, mut table: impl Iterator<Item = &'a Self>) -> String {
        let kind = self.kind;
        let name = if self.arch == own.arch { kind.to_string() } else { format!("{kind} ({})", self.arch) };
        let mut remarks = Vec::new();
        if name_of(&self.protocol) == name_of(&own.protocol) {
            let differs = self.protocol != own.protocol;
            remarks.extend(differs.then(|| self.protocol.clone()));
            remarks.extend(self.seeds_remark(own));
            // Other protocols bring networks of their own.
            remarks.extend((self.network == Whose::Other).then(|| "another network".to_owned()));
        } else if table.any(|other| self.looks_like(other)) {
            remarks.push(self.protocol.clone());
            remarks.extend(self.seeds_remark(own));
        } else {
            remarks.push(name_of(&self.protocol).to_owned());
        }
        if remarks.is_empty() { name } else { format!("{name} [{}]", remarks.join(", ")) }
    }

    fn seeds_remark(&self, own: &OwnWay) -> Option<String> {
        let plural = if self.seeds == 1 { "" } else { "s" };
        (self.seeds != own.seeds).then(|| format!("{} seed{plural}", self.seeds))
    }

    /// Whether another row would have the same short title.
    fn looks_like(&self, other: &Self) -> bool {
        self != other
            && self.kind == other.kind
            && self.arch == other.arch
            && name_of(&self.protocol) == name_of(&other.protocol)
    }
}

fn name_of(protocol: &str) -> &str {
    protocol.split_once(" with ").map_or(protocol, |(name, _)| name)
}

/// `rows`, and those of `before` whose places are not theirs. Rows of the protocol at work come first, by architecture and
/// kind; all get titles that tell them apart.
pub(super) fn merged(
    rows: &[Evaluation],
    before: &[Evaluation],
    own: &OwnWay,
    order: &Order<'_>,
) -> Vec<Evaluation> {
    let place = |row: &Evaluation| Place::of_row(row, own);
    let taken: Vec<Place> = rows.iter().map(place).collect();
    let staying = before.iter().filter(|row| !taken.contains(&place(row)));
    let mut all: Vec<Evaluation> = rows.iter().chain(staying).cloned().collect();
    all.sort_by_key(|row| order.of(&place(row)));
    let places: Vec<Place> = all.iter().map(place).collect();
    for (row, place) in all.iter_mut().zip(&places) {
        // What is of no run kept the name that its author gave it.
        if row.kind != RowKind::Other {
            row.name = place.title(own, places.iter());
        }
    }
    all
}

/// The order of a run's table while one protocol is at work.
pub(super) struct Order<'a> {
    /// The protocol at work.
    pub(super) now: &'a Protocol,
    /// Architectures in order.
    pub(super) archs: &'a [String],
}

impl Order<'_> {
    fn of(&self, place: &Place) -> (usize, usize, usize) {
        if place.protocol != self.now.described() || place.seeds != self.now.seeds {
            return (1, 0, 0);
        }
        let arch = self.archs.iter().position(|arch| *arch == place.arch).unwrap_or(self.archs.len());
        let kind = match place.kind {
            RowKind::Random => 0,
            RowKind::Set(part) => 1 + part as usize,
            RowKind::Full => 10,
            RowKind::Other => 11,
        };
        (0, arch, kind)
    }
}

#[cfg(test)]
mod tests {
    use distil_eval::ProtocolName;
    use distil_store::Part;

    use super::*;

    fn own() -> OwnWay {
        OwnWay { arch: "convnet".into(), protocol: "mtt".into(), seeds: 5, network: json!(1) }
    }

    fn row(kind: RowKind, arch: &str, protocol: &str, seeds: usize, mean: f64) -> Evaluation {
        serde_json::from_value(json!({
            "kind": kind, "name": "?", "arch": arch, "protocol": protocol, "images": 10, "epochs": 3, "lr": 0.01,
            "accuracies": vec![mean; seeds], "seconds": 1.0, "key": format!("{arch} {protocol} {seeds} {mean}"),
            "summary": {"n": seeds, "mean": mean, "std": 0.0, "ci95": null},
        }))
        .unwrap()
    }

    fn titles(rows: &[Evaluation]) -> Vec<String> {
        rows.iter().map(|row| format!("{} {}", row.name, row.summary.mean)).collect()
    }

    #[test]
    fn what_is_not_measured_again_stays_under_a_name_of_its_own() {
        let archs = ["convnet".to_owned(), "alexnet".to_owned()];
        let now = Protocol::named(ProtocolName::Mtt);
        let order = Order { now: &now, archs: &archs };
        let (own, last) = (own(), RowKind::Set(Part::Last));
        let before = [row(RowKind::Random, "convnet", "mtt", 5, 0.1), row(last, "convnet", "mtt", 5, 0.2)];
        let more = |new: Evaluation, before: &[Evaluation]| merged(&[new], before, &own, &order);
        let rows = more(row(last, "alexnet", "mtt", 5, 0.3), &before);
        let rows = more(row(last, "convnet", "mtt", 3, 0.4), &rows);
        let rows = more(row(last, "convnet", "mtt with epochs = 5", 5, 0.5), &rows);
        let rows = more(row(last, "convnet", "dc with epochs = 9", 5, 0.6), &rows);
        let wanted = ["random real 0.1", "distilled, last 0.2", "distilled, last (alexnet) 0.3"];
        let mut varied = titles(&rows);
        assert_eq!(varied.drain(..3).collect::<Vec<_>>(), wanted);
        varied.sort();
        let others = [
            "distilled, last [3 seeds] 0.4",
            "distilled, last [dc] 0.6",
            "distilled, last [mtt with epochs = 5] 0.5",
        ];
        assert_eq!(varied, others);
        // A second way of the same protocol: both say all of it.
        let rows = more(row(last, "convnet", "dc", 2, 0.7), &rows);
        let found = titles(&rows);
        for title in ["distilled, last [dc, 2 seeds] 0.7", "distilled, last [dc with epochs = 9] 0.6"] {
            assert!(found.contains(&title.to_owned()), "{found:?}");
        }
        // Measured again: the one row that was.
        let again = more(row(last, "convnet", "mtt", 5, 0.9), &rows);
        assert_eq!((again.len(), titles(&again)[1].as_str()), (rows.len(), "distilled, last 0.9"));
    }
}
