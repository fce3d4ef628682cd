//! The page of a measurement of complexity.

use serde::Serialize;

use crate::complexity_figure::{Distribution, EasyHard};
use crate::html;

/// Name of the template; its ending makes the template engine escape every value.
const TEMPLATE: &str = "complexity.html";
/// More classes than these are folded away.
const UNFOLDED: usize = 40;

/// What a page about the complexity of a data set's scenes shows.
#[derive(Debug, Clone, PartialEq)]
pub struct ComplexityPage {
    /// What the page is about.
    pub title: String,
    /// What was found, in a sentence.
    pub result: String,
    /// How classes are distributed, one figure a threshold.
    pub classes: Vec<Distribution>,
    /// Easy next to hard subsets; without any, the page says how to have some.
    pub easy_hard: Vec<EasyHard>,
    /// How map values are distributed.
    pub activation: Distribution,
    /// Header of the table of classes.
    pub header: Vec<String>,
    /// The classes, the most complex first; as many cells as the header has.
    pub rows: Vec<Vec<String>>,
    /// What one must know to believe it.
    pub notes: Vec<String>,
    /// Where it comes from.
    pub provenance: Vec<(String, String)>,
}

/// What the template sees.
#[derive(Serialize)]
struct Page<'a> {
    style: &'static str,
    title: &'a str,
    result: &'a str,
    classes: Vec<String>,
    easy_hard: Vec<String>,
    activation: String,
    header: &'a [String],
    rows: &'a [Vec<String>],
    folded: bool,
    notes: &'a [String],
    provenance: &'a [(String, String)],
}

impl ComplexityPage {
    /// The page: one HTML file with its figures inside, that needs neither network nor scripts.
    pub fn render(&self) -> String {
        let page = Page {
            style: include_str!("style.css"),
            title: &self.title,
            result: &self.result,
            classes: self.classes.iter().map(Distribution::inline).collect(),
            easy_hard: self.easy_hard.iter().map(EasyHard::inline).collect(),
            activation: self.activation.inline(),
            header: &self.header,
            rows: &self.rows,
            folded: self.rows.len() > UNFOLDED,
            notes: &self.notes,
            provenance: &self.provenance,
        };
        html::render(&[(TEMPLATE, include_str!("complexity.html"))], page)
    }
}

#[cfg(test)]
mod tests {
    use super::ComplexityPage;
    use crate::complexity_figure::{Distribution, EasyHard, EasyHardBars};

    const HOSTILE: &str = "<script>alert('x')</script>";

    fn page(classes: usize) -> ComplexityPage {
        let distribution = || Distribution::of(HOSTILE, HOSTILE, "classes", &[40.0, 60.0, 61.0], 5);
        let bars = EasyHardBars { name: HOSTILE.into(), easy: (40.0, None), hard: (60.0, Some(1.0)) };
        ComplexityPage {
            title: HOSTILE.into(),
            result: HOSTILE.into(),
            classes: vec![distribution(), distribution()],
            easy_hard: vec![EasyHard {
                title: "easy".into(),
                y_label: HOSTILE.into(),
                categories: vec![bars],
            }],
            activation: distribution(),
            header: vec!["class".into(), HOSTILE.into()],
            rows: vec![vec![HOSTILE.into(), "40.0".into()]; classes],
            notes: vec![HOSTILE.into()],
            provenance: vec![("data".into(), HOSTILE.into())],
        }
    }

    #[test]
    fn the_figures_are_inside_and_nothing_comes_from_outside() {
        let text = page(3).render().replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        assert_eq!(text.matches("<svg ").count(), 4, "{text}");
        assert_eq!(text.matches("<style>").count(), 1, "a figure's own style would reach the whole page");
        assert!(
            !text.contains("<script") && !text.contains("http://") && !text.contains("https://"),
            "{text}"
        );
        assert!(text.contains("default-src 'none'") && !text.contains("<details"), "{text}");
        assert!(page(41).render().contains("<summary>All 41 classes</summary>"));
    }

    #[test]
    fn a_page_without_a_selection_says_how_to_have_one() {
        let text = ComplexityPage { easy_hard: Vec::new(), ..page(1) }.render();
        assert!(text.contains("distil compdd select"), "{text}");
    }
}
