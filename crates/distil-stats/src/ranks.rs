//! Ranks with ties.

/// Twice the rank of every value, from 2: equal values share the mean of their ranks, and twice a mean of whole numbers
/// is whole.
pub(crate) fn doubled_ranks(values: &[f64]) -> Vec<u64> {
    let mut ranks = vec![0; values.len()];
    let mut before = 0;
    for group in tied(values) {
        let doubled = 2 * before + group.len() + 1;
        for &index in &group {
            ranks[index] = doubled as u64;
        }
        before += group.len();
    }
    ranks
}

/// Sizes of the groups of equal values.
pub(crate) fn tie_sizes(values: &[f64]) -> Vec<f64> {
    tied(values).iter().map(|group| group.len() as f64).collect()
}

/// Indices in ascending order of value, equal values together.
fn tied(values: &[f64]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let groups = order.chunk_by(|&i, &j| values[i] == values[j]);
    groups.map(<[usize]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::{doubled_ranks, tie_sizes};

    #[test]
    fn ties_share_their_mean_rank() {
        assert_eq!(doubled_ranks(&[0.3, 0.1, 0.3, -0.0, 0.0, 0.3]), [10, 6, 10, 3, 3, 10]);
        assert_eq!(tie_sizes(&[0.3, 0.1, 0.3, -0.0, 0.0, 0.3]), [2.0, 1.0, 3.0]);
        assert!(doubled_ranks(&[]).is_empty());
    }
}
