//! Classes that a test split has no images of.

use distil_data::Dataset;

/// The most classes that are named.
const NAMED: usize = 5;

/// One sentence on the classes without test images; `None` where every class has some.
pub fn untested_classes(dataset: &Dataset) -> Option<String> {
    said(&dataset.class_names, &dataset.test.labels)
}

fn said(classes: &[String], labels: &[u32]) -> Option<String> {
    let mut tested = vec![false; classes.len()];
    for label in labels {
        if let Some(there) = tested.get_mut(*label as usize) {
            *there = true;
        }
    }
    let without: Vec<&str> =
        classes.iter().zip(&tested).filter(|(_, tested)| !**tested).map(|(name, _)| name.as_str()).collect();
    let (first, rest) = without.split_at(without.len().min(NAMED));
    let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    let (classes, them) = if without.len() == 1 { ("class", "it") } else { ("classes", "them") };
    (!without.is_empty()).then(|| {
        format!(
            "no test images of {classes} {}{more}: accuracies say nothing about {them}, and macro F1 leaves {them} out",
            first.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn classes_without_test_images_are_named() {
        let names: Vec<String> = (0..9).map(|class| format!("c{class}")).collect();
        assert_eq!(said(&names[..2], &[1, 0, 1]), None);
        let one = said(&names[..3], &[2, 0]).unwrap();
        assert!(one.starts_with("no test images of class c1: ") && one.contains("leaves it out"), "{one}");
        let many = said(&names, &[0]).unwrap();
        assert!(many.starts_with("no test images of classes c1, c2, c3, c4, c5 and 3 more: "), "{many}");
    }
}
