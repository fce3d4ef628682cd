//! A confusion matrix as a heat map in the page's own colours.

use std::fmt::Write;

use serde::Serialize;

/// Side of the drawing in its own units.
const SIDE: f64 = 400.0;
/// Room for names at the left.
const MARGIN: f64 = 96.0;
/// Room for slanted names at the bottom.
const BOTTOM: f64 = 80.0;
/// The most classes whose cells show their counts.
const COUNTS_UP_TO: usize = 12;
/// The most classes whose names are shown.
const NAMES_UP_TO: usize = 25;
/// Steps of shading; cells of the same shade are one path, which keeps large matrices small.
const SHADES: usize = 20;
/// Letters of a name that fit.
const LETTERS: usize = 13;
/// Shade from which text on a cell is drawn in the colour of the paper.
const DARK_FROM: usize = 12;

/// A heat map. Its names come from outside: the template writes, and escapes, them.
#[derive(Debug, Serialize)]
pub(crate) struct HeatMap {
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// What a screen reader says.
    pub(crate) summary: String,
    /// Cells and counts, without any text from outside.
    pub(crate) cells: String,
    pub(crate) rows: Vec<Label>,
    pub(crate) columns: Vec<Label>,
}

/// A class name next to the matrix.
#[derive(Debug, Serialize)]
pub(crate) struct Label {
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) text: String,
}

impl HeatMap {
    /// Draws `counts` `[k][k]` (rows: true class, columns: predicted). A cell is shaded by the root of its share of its
    /// row, which lets rare mistakes be seen: the diagonal in the colour of what is right, the rest in that of what is wrong.
    pub(crate) fn of(counts: &[Vec<u64>], names: &[String]) -> Self {
        let k = counts.len();
        let margin = if k <= NAMES_UP_TO { MARGIN } else { 12.0 };
        let side = SIDE / k.max(1) as f64;
        let mut paths = vec![[String::new(), String::new()]; SHADES + 1];
        let mut texts = String::new();
        for (truth, row) in counts.iter().enumerate() {
            let total = row.iter().sum::<u64>().max(1);
            for (predicted, &count) in row.iter().enumerate().filter(|(_, count)| **count > 0) {
                let shade = (SHADES as f64 * (count as f64 / total as f64).sqrt()).ceil() as usize;
                let (x, y) = (margin + side * predicted as f64, side * truth as f64);
                let path = &mut paths[shade][usize::from(truth != predicted)];
                let _ = write!(path, "M{x:.1} {y:.1}h{side:.2}v{side:.2}h-{side:.2}z");
                if k <= COUNTS_UP_TO {
                    let (x, y) = (x + 0.5 * side, y + 0.5 * side + 4.0);
                    let class = if shade >= DARK_FROM { "mid on" } else { "mid" };
                    let _ = write!(texts, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{count}</text>");
                }
            }
        }
        let cells = frame(margin) + &shaded(&paths) + &texts;
        let summary = format!("Confusion matrix of {k} classes, rows true, columns predicted");
        let place = |index: usize| side * (index as f64 + 0.5);
        let named = |at: &dyn Fn(usize) -> (f64, f64)| {
            let label = |index: usize| {
                let (x, y) = at(index);
                let text = names.get(index).map_or_else(|| index.to_string(), |name| shortened(name));
                Label { x: format!("{x:.1}"), y: format!("{y:.1}"), text }
            };
            if k <= NAMES_UP_TO { (0..k).map(label).collect() } else { Vec::new() }
        };
        Self {
            width: margin + SIDE + 4.0,
            height: SIDE + if k <= NAMES_UP_TO { BOTTOM } else { 4.0 },
            summary,
            cells,
            rows: named(&|index| (margin - 8.0, place(index) + 4.0)),
            columns: named(&|index| (margin + place(index) + 4.0, SIDE + 10.0)),
        }
    }
}

fn frame(margin: f64) -> String {
    format!("<path class=\"panel\" d=\"M{margin} 0h{SIDE}v{SIDE}h-{SIDE}z\"/>")
}

fn shaded(paths: &[[String; 2]]) -> String {
    let mut svg = String::new();
    for (shade, pair) in paths.iter().enumerate() {
        for (class, path) in ["right", "wrong"].iter().zip(pair).filter(|(_, path)| !path.is_empty()) {
            let opacity = 0.05 + 0.95 * shade as f64 / SHADES as f64;
            let _ = write!(svg, "<path class=\"{class}\" fill-opacity=\"{opacity:.2}\" d=\"{path}\"/>");
        }
    }
    svg
}

fn shortened(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= LETTERS {
        return name.to_owned();
    }
    letters[..LETTERS - 1].iter().chain(&['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::HeatMap;

    #[test]
    fn cells_are_shaded_by_the_root_of_their_share() {
        let map = HeatMap::of(&[vec![9, 1], vec![0, 0]], &["a class with a long name".into()]);
        assert_eq!(map.cells.matches("class=\"right\"").count(), 1);
        assert!(map.cells.contains("fill-opacity=\"0.95\"") && map.cells.contains("fill-opacity=\"0.38\""));
        assert_eq!((map.rows.len(), map.columns.len()), (2, 2));
        assert_eq!((map.rows[0].text.as_str(), map.rows[1].text.as_str()), ("a class with…", "1"));
        assert!(map.cells.contains(">9</text>") && !map.cells.contains("NaN"));
    }

    #[test]
    fn many_classes_stay_small() {
        let counts: Vec<Vec<u64>> = (0..100).map(|i| (0..100).map(|j| (i * j) % 7).collect()).collect();
        let map = HeatMap::of(&counts, &[]);
        assert!(map.cells.len() < 400_000 && !map.cells.contains("<text") && map.rows.is_empty());
        assert!(HeatMap::of(&[], &[]).rows.is_empty());
    }
}
