//! The table of a campaign.

use std::fmt::Write as _;
use std::path::Path;

use distil_report::text_table;
use distil_store::PaperFigure;

use super::{Campaign, CampaignEntry, Finished, State, Verdict};
use crate::{Error, duration};

const HEADER: [&str; 8] =
    ["row", "published %", "measured %", "95 % interval", "students", "verdict", "time", "peak"];
/// Digits of a digest that tell datasets apart.
const DIGEST: usize = 12;

impl Campaign {
    /// Every row with how far it is below `folder`, what was measured and what was published, in Markdown.
    ///
    /// # Errors
    /// As for [`Campaign::states`].
    pub fn table(&self, folder: &Path) -> Result<String, Error> {
        let states = self.states(folder)?;
        let mut lines = vec![HEADER.map(str::to_owned).to_vec()];
        let mut notes = String::new();
        for (entry, state) in self.entries.iter().zip(&states) {
            lines.push(line(entry, state));
            let _ = writeln!(notes, "- `{}`{}", entry.command_line(), remarks(entry, state));
        }
        let done = states.iter().filter(|state| matches!(state, State::Done(_))).count();
        Ok(format!("{}\n{done} of {} rows are done.\n\n{notes}", text_table(&lines), states.len()))
    }
}

fn line(entry: &CampaignEntry, state: &State) -> Vec<String> {
    let blank = |rest: String| {
        [entry.row.clone(), String::new(), rest].into_iter().chain(vec![String::new(); 5]).collect()
    };
    match state {
        State::Waiting => blank("waiting".to_owned()),
        State::Running { iteration, of } => blank(format!("running, {iteration} of {of}")),
        State::Done(found) => results(entry, found),
    }
}

fn results(entry: &CampaignEntry, Finished { result, paper, cost, .. }: &Finished) -> Vec<String> {
    let published = paper.as_ref().map_or_else(|| "–".to_owned(), PaperFigure::percent);
    let distilling = cost.map_or(0.0, |cost| cost.iterations as f64 * cost.seconds_per_iteration);
    vec![
        entry.row.clone(),
        published,
        result.percent(),
        result.interval(),
        result.summary.n.to_string(),
        Verdict::of(&result.summary, paper.as_ref()).to_string(),
        duration(distilling + result.seconds),
        cost.and_then(|cost| cost.peak_mib).map_or_else(|| "–".to_owned(), |mib| format!("{mib:.0} MiB")),
    ]
}

/// What one must know to compare: the row's remarks, those on its figure, and the data.
fn remarks(entry: &CampaignEntry, state: &State) -> String {
    let mut remarks = Vec::new();
    if !entry.note.is_empty() {
        remarks.push(entry.note.clone());
    }
    if let State::Done(found) = state {
        if let Some(paper) = &found.paper {
            remarks.extend([&paper.source, &paper.note].into_iter().filter(|text| !text.is_empty()).cloned());
        }
        let digest: String = found.dataset.chars().take(DIGEST).collect();
        remarks.push(format!("data {digest}; protocol {}", found.result.protocol));
    }
    if remarks.is_empty() { String::new() } else { format!(": {}", remarks.join(". ")) }
}
