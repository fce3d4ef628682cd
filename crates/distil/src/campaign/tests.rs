use distil_stats::Summary;

use super::*;

fn entry(row: &str, set: &[&str]) -> CampaignEntry {
    CampaignEntry {
        row: row.to_owned(),
        set: set.iter().map(|&set| set.to_owned()).collect(),
        note: String::new(),
        quote: Quote::default(),
    }
}

#[test]
fn the_campaign_names_rows_that_there_are() {
    let campaign = Campaign::embedded().unwrap();
    assert!(campaign.entries.len() >= 14);
    // Every row is a run of its own, and its settings are ones that the row takes.
    let folders: std::collections::BTreeSet<_> =
        campaign.entries.iter().map(|entry| entry.folder(Path::new("x"))).collect();
    assert_eq!(folders.len(), campaign.entries.len());
    let rows = Rows::embedded().unwrap();
    for entry in &campaign.entries {
        let resolved = rows.resolve(rows.find(&entry.row).unwrap()).unwrap();
        let layer = crate::config::Layer::from_text(&resolved.to_toml(), Path::new("row")).unwrap();
        let sets = entry.set.iter().map(|set| crate::config::Layer::from_set(set).unwrap());
        Config::resolve(std::iter::once(layer).chain(sets).collect(), "row").unwrap();
    }
    let error = Campaign::parse("[[queue]]\nrow = \"dc/cifar11-ipc1\"").unwrap_err().to_string();
    assert!(error.contains("dc/cifar11-ipc1") && error.contains("dc/cifar10-ipc1"), "{error}");
}

#[test]
fn a_row_that_is_not_there_waits_and_its_command_can_be_typed() {
    let folder = tempfile::tempdir().unwrap();
    let entry = entry("dc/cifar10-ipc1", &["distill.iterations=10"]);
    assert_eq!(entry.command_line(), "distil reproduce dc/cifar10-ipc1 --set distill.iterations=10");
    let campaign = Campaign { entries: vec![entry] };
    assert_eq!(campaign.states(folder.path()).unwrap(), [State::Waiting]);
    let table = campaign.table(folder.path()).unwrap();
    assert!(table.contains("waiting") && table.contains("0 of 1 rows are done"), "{table}");
}

#[test]
fn a_figure_is_met_where_intervals_overlap() {
    let paper = |accuracy, std| PaperFigure { accuracy, std, source: String::new(), note: String::new() };
    // 44.0 ± 1.0 of five students: 42.8 to 45.2.
    let ours = Summary::of_shares(&[0.427, 0.435, 0.44, 0.445, 0.453]).unwrap();
    let [low, high] = ours.ci95.unwrap();
    assert!((0.42..0.43).contains(&low) && (0.45..0.46).contains(&high));
    for (figure, expected) in [
        (paper(46.2, Some(1.2)), Verdict::Met),
        (paper(46.2, Some(0.8)), Verdict::Below),
        (paper(46.2, None), Verdict::Below),
        (paper(41.0, Some(0.5)), Verdict::Above),
        (paper(44.0, None), Verdict::Met),
    ] {
        assert_eq!(Verdict::of(&ours, Some(&figure)), expected, "{figure:?}");
    }
    assert_eq!(Verdict::of(&ours, None), Verdict::NoFigure);
}
