use crate::{Category, CompddError, Measurement};

/// Categories from the network's own view of the classes, each of at least `smallest` classes: every class is in one.
///
/// A class is embedded as the mean score vector of its images, with the mean over classes taken off and length 1: classes
/// that the network takes for the same others are close. Ward's hierarchical clustering joins them, and the tree is cut
/// from the top down, wherever both sides keep `smallest` classes. Nothing is drawn at random, and no number of categories
/// has to be chosen. A category is named after the class nearest to its middle.
///
/// # Errors
/// [`CompddError`] for an unfinished measurement or fewer than `smallest` classes.
pub fn categories(measured: &Measurement, smallest: usize) -> Result<Vec<Category>, CompddError> {
    measured.check_complete()?;
    let classes = measured.classes.len();
    if classes < smallest.max(1) {
        let what = format!(
            "{classes} classes make no category of {smallest}; choose a smaller --count or data with more classes"
        );
        return Err(CompddError::Categories(what));
    }
    let points = embeddings(measured);
    let tree = ward(&points);
    let mut found = Vec::new();
    cut(&tree, tree.len() - 1, smallest.max(1), &mut found);
    for members in &mut found {
        members.sort_unstable();
    }
    found.sort_unstable();
    let name = |label: &usize| measured.classes[*label].name.clone();
    let each = found.iter().map(|members| Category {
        name: format!("around {}", name(&members[middle(&points, members)])),
        classes: members.iter().map(name).collect(),
    });
    Ok(each.collect())
}

/// `[classes][classes of the network]`, of length 1, or 0 where a class is exactly the mean.
fn embeddings(measured: &Measurement) -> Vec<Vec<f64>> {
    let means: Vec<Vec<f64>> = measured.classes.iter().map(crate::ClassTally::mean_scores).collect();
    let centre = mean(means.iter());
    let each = means.iter().map(|one| {
        let off: Vec<f64> = one.iter().zip(&centre).map(|(value, mean)| value - mean).collect();
        let length = off.iter().map(|value| value * value).sum::<f64>().sqrt();
        off.iter().map(|value| if length > 0.0 { value / length } else { 0.0 }).collect()
    });
    each.collect()
}

fn mean<'a>(points: impl ExactSizeIterator<Item = &'a Vec<f64>>) -> Vec<f64> {
    let n = points.len() as f64;
    let mut sum = Vec::new();
    for point in points {
        sum.resize(point.len(), 0.0);
        for (sum, value) in sum.iter_mut().zip(point) {
            *sum += value / n;
        }
    }
    sum
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Which of `members` is nearest to their mean; the first of equal ones.
fn middle(points: &[Vec<f64>], members: &[usize]) -> usize {
    let centre = mean(members.iter().map(|member| &points[*member]).collect::<Vec<_>>().into_iter());
    let far = |at: &usize| distance(&points[members[*at]], &centre);
    (0..members.len()).min_by(|a, b| far(a).total_cmp(&far(b))).unwrap_or(0)
}

/// A node of the tree: the two it joins, if any, and the classes below it.
struct Node {
    children: Option<[usize; 2]>,
    members: Vec<usize>,
}

/// Ward's tree, root last: joins the two clusters whose union adds the least variance, the first of equal pairs. The
/// distances are kept up to date by the formula of Lance and Williams.
fn ward(points: &[Vec<f64>]) -> Vec<Node> {
    let n = points.len();
    let mut tree: Vec<Node> = (0..n).map(|label| Node { children: None, members: vec![label] }).collect();
    let mut apart: Vec<Vec<f64>> =
        points.iter().map(|a| points.iter().map(|b| distance(a, b)).collect()).collect();
    // Place i of the matrix holds node alive[i], while it is alive.
    let mut alive: Vec<Option<usize>> = (0..n).map(Some).collect();
    for _ in 1..n {
        let [i, j] = closest(&apart, &alive);
        let [Some(first), Some(second)] = [alive[i], alive[j]] else { break };
        let size = |node: usize| tree[node].members.len() as f64;
        let (of_i, of_j, between) = (size(first), size(second), apart[i][j]);
        for k in 0..n {
            let Some(other) = alive[k].filter(|_| k != i && k != j) else { continue };
            let of_k = size(other);
            let sum = (of_i + of_k) * apart[i][k] + (of_j + of_k) * apart[j][k] - of_k * between;
            let joined = sum / (of_i + of_j + of_k);
            (apart[i][k], apart[k][i]) = (joined, joined);
        }
        let members = [&tree[first].members[..], &tree[second].members].concat();
        tree.push(Node { children: Some([first, second]), members });
        (alive[i], alive[j]) = (Some(tree.len() - 1), None);
    }
    tree
}

fn closest(apart: &[Vec<f64>], alive: &[Option<usize>]) -> [usize; 2] {
    let (mut best, mut least) = ([0, 0], f64::INFINITY);
    for i in (0..apart.len()).filter(|i| alive[*i].is_some()) {
        for j in (i + 1..apart.len()).filter(|j| alive[*j].is_some()) {
            if apart[i][j] < least {
                (best, least) = ([i, j], apart[i][j]);
            }
        }
    }
    best
}

fn cut(tree: &[Node], node: usize, smallest: usize, found: &mut Vec<Vec<usize>>) {
    match tree[node].children {
        Some(children) if children.iter().all(|child| tree[*child].members.len() >= smallest) => {
            for child in children {
                cut(tree, child, smallest, found);
            }
        }
        _ => found.push(tree[node].members.clone()),
    }
}
