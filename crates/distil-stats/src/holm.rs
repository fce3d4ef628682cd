//! Correction for many comparisons.

/// Holm's step-down adjustment: p-values that may each be compared with the level of the whole table, in the order
/// given. The chance that any of them is a false alarm is at most that level. A NaN (no test) takes no part.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).filter(|&index| !p_values[index].is_nan()).collect();
    order.sort_by(|&i, &j| p_values[i].total_cmp(&p_values[j]));
    let mut adjusted = p_values.to_vec();
    let mut largest = 0.0f64;
    for (rank, &index) in order.iter().enumerate() {
        largest = largest.max((order.len() - rank) as f64 * p_values[index]).min(1.0);
        adjusted[index] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::holm;

    #[test]
    fn steps_down() {
        let near = |got: &[f64], wanted: &[f64]| {
            got.len() == wanted.len() && got.iter().zip(wanted).all(|(g, w)| (g - w).abs() < 1e-12)
        };
        assert!(near(&holm(&[0.01, 0.04, 0.03, 0.005]), &[0.03, 0.06, 0.06, 0.02]));
        assert!(near(&holm(&[0.9, 0.8]), &[1.0, 1.0]));
        assert!(near(&holm(&[0.02]), &[0.02]));
        let with_gap = holm(&[0.02, f64::NAN, 0.03]);
        assert!(near(&[with_gap[0], with_gap[2]], &[0.04, 0.04]) && with_gap[1].is_nan());
    }
}
