//! From the network input of one normalisation to that of another.

use distil_store::Normalisation;

/// x ↦ x·factor + summand, with one of both for each channel.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelMap {
    /// One factor per channel.
    pub factors: Vec<f32>,
    /// One summand per channel.
    pub summands: Vec<f32>,
}

impl ChannelMap {
    /// Whether it leaves every value as it is.
    pub fn is_identity(&self) -> bool {
        self.factors.iter().all(|&factor| factor == 1.0)
            && self.summands.iter().all(|&summand| summand == 0.0)
    }

    /// What turns input of `channels` channels that was normalised as `from` into input of `to`, without a look at the
    /// pixels; `None` where one of them is ZCA and the other is not the same fit, or has another number of channels.
    ///
    /// ```
    /// use distil_data::{ChannelMap, Normalisation};
    /// let half = Normalisation::MeanStd { mean: vec![0.5], std: vec![0.5] };
    /// let map = ChannelMap::between(&Normalisation::Identity, &half, 1).expect("both are by channel");
    /// assert_eq!((map.factors, map.summands), (vec![2.0], vec![-1.0]));
    /// ```
    pub fn between(from: &Normalisation, to: &Normalisation, channels: usize) -> Option<Self> {
        if from == to {
            return Some(Self { factors: vec![1.0; channels], summands: vec![0.0; channels] });
        }
        let (from, to) = (by_channel(from, channels)?, by_channel(to, channels)?);
        // x·s + m is the pixel; the other's input is (pixel − m') / s'.
        let pairs = || from.iter().zip(&to);
        Some(Self {
            factors: pairs().map(|((_, s), (_, other))| s / other).collect(),
            summands: pairs().map(|((m, _), (other, s))| (m - other) / s).collect(),
        })
    }
}

/// Mean and deviation of each channel; `None` for what is not a map of single values.
fn by_channel(normalisation: &Normalisation, channels: usize) -> Option<Vec<(f32, f32)>> {
    match normalisation {
        Normalisation::Identity => Some(vec![(0.0, 1.0); channels]),
        Normalisation::MeanStd { mean, std } if mean.len() == channels && std.len() == channels => {
            Some(mean.iter().copied().zip(std.iter().copied()).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::ImageShape;
    use distil_store::{Preprocessing, Whitening};

    fn mean_std(mean: [f32; 2], std: [f32; 2]) -> Normalisation {
        Normalisation::MeanStd { mean: mean.to_vec(), std: std.to_vec() }
    }

    #[test]
    fn input_becomes_what_the_other_makes_of_the_pixels() {
        let shape = ImageShape { channels: 2, height: 1, width: 2 };
        let pixels = [0.1, 0.9, 0.4, 0.0];
        let kinds =
            [Normalisation::Identity, mean_std([0.4, 0.5], [0.2, 0.3]), mean_std([0.1, 0.6], [0.5, 0.25])];
        let input = |normalisation: &Normalisation| {
            let preprocessing = Preprocessing { resize: None, normalisation: normalisation.clone() };
            crate::Transform::from(preprocessing).apply(shape, &pixels).unwrap()
        };
        for from in &kinds {
            for to in &kinds {
                let map = ChannelMap::between(from, to, 2).unwrap();
                assert_eq!(map.is_identity(), from == to);
                for (index, (x, wanted)) in input(from).iter().zip(input(to)).enumerate() {
                    let got = x * map.factors[index / 2] + map.summands[index / 2];
                    assert!((got - wanted).abs() < 1e-5, "{from:?} to {to:?}: {got} for {wanted}");
                }
            }
        }
    }

    #[test]
    fn whole_images_are_not_turned_by_channel() {
        let zca = |digest: &str| Normalisation::Zca(Whitening { eps: 0.1, fit_digest: digest.to_owned() });
        assert!(ChannelMap::between(&zca("a"), &zca("a"), 3).unwrap().is_identity());
        assert_eq!(ChannelMap::between(&zca("a"), &zca("b"), 3), None);
        assert_eq!(ChannelMap::between(&zca("a"), &Normalisation::Identity, 3), None);
        assert_eq!(ChannelMap::between(&mean_std([0.0; 2], [1.0; 2]), &Normalisation::Identity, 3), None);
    }
}
