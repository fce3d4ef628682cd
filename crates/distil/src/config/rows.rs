//! Every row of `configs/` is a configuration.

use std::path::Path;

use crate::rows::{Reduction, Resolved, Row, Rows};

use super::Config;

/// What `distil --config` makes of a row.
fn loaded(row: &Row, resolved: &Resolved) -> Config {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("row.toml");
    std::fs::write(&file, resolved.to_toml()).expect("a file");
    Config::load(&file, &[]).unwrap_or_else(|failure| panic!("{}: {failure}", row.name))
}

fn rows() -> Rows {
    Rows::embedded().expect("the rows of configs/")
}

#[test]
fn every_row_resolves_in_full_and_reduced() {
    let rows = rows();
    for row in rows.iter() {
        let resolved = rows.resolve(row).expect("a configuration");
        let config = loaded(row, &resolved);
        assert_eq!(config.name, resolved.run);
        let paper = row.figure(&resolved.config).is_some();
        assert!(config.paper.is_some() == paper || resolved.same_as.is_some(), "{}", row.name);
        for there in [true, false] {
            let reduced = Reduction::of(resolved.clone(), there, Path::new("scratch")).resolved;
            let config = loaded(row, &reduced);
            assert!(config.paper.is_none() && config.name.contains("REDUCED"), "{}", row.name);
        }
    }
}

#[test]
fn published_protocols_are_the_presets() {
    let rows = rows();
    let config = |name: &str| {
        let row = rows.find(name).expect("a row");
        loaded(row, &rows.resolve(row).expect("a configuration"))
    };
    let edf = config("edf/imagewoof-ipc10");
    let trajectory = edf.distill.trajectory().expect("trajectories").clone();
    let (dropout, maps) = (trajectory.dropout.expect("dropout"), trajectory.enhancement.expect("maps"));
    assert_eq!((dropout.ratio, maps.beta, maps.refresh_every), (0.25, 2.0, 100));
    assert_eq!((edf.distill.iterations, edf.distill.label_momentum, edf.expert.epochs), (10_000, 0.9, 100));
    assert!(
        edf.expert.gsam.is_some_and(|gsam| gsam.rho == 0.01 && gsam.alpha == 0.3) && edf.eval.batch == 128
    );
    let baseline = config("edf/table1/imagewoof-ipc10-datm");
    assert!(
        baseline.distill.enhancement().is_none()
            && baseline.distill.trajectory().is_some_and(|t| t.dropout.is_none_or(|d| d.ratio == 0.0))
    );
    let challenge = config("m-datm/tiny-imagenet-ipc10");
    assert!(
        !challenge.data.zca && challenge.model.depth == Some(3) && challenge.eval.synthetic_lr == Some(0.01)
    );
    assert_eq!(challenge.distill.labels, distil_store::LabelKind::Hard);
}
