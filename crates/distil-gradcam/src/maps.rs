use std::ops::Range;

/// What keeps a constant map from dividing 0 by 0, as in the field's code.
const EPS: f64 = 1e-8;

/// One non-negative map an image, on the host in f64.
///
/// A map is small compared with the network that made it; normalising and comparing it in f64 makes thresholds and means
/// independent of a device's rounding.
#[derive(Debug, Clone, PartialEq)]
pub struct Maps {
    /// Rows of a map.
    pub height: usize,
    /// Columns of a map.
    pub width: usize,
    /// `[n, height, width]`, row-major.
    pub values: Vec<f64>,
}

impl Maps {
    /// Number of maps.
    pub fn len(&self) -> usize {
        self.values.len() / self.area().max(1)
    }

    /// Whether there is no map.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Map `index`, `[height, width]`.
    ///
    /// # Panics
    /// When there is no such map.
    pub fn map(&self, index: usize) -> &[f64] {
        &self.values[index * self.area()..(index + 1) * self.area()]
    }

    /// All maps, one after the other.
    pub fn iter(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.area().max(1))
    }

    /// Every map on its own brought to `[0, 1]`: (map − min) / (max − min + 1e-8). A constant map becomes zero.
    #[must_use]
    pub fn unit(&self) -> Self {
        let values = self.iter().flat_map(|map| {
            let low = map.iter().copied().fold(f64::INFINITY, f64::min);
            let high = map.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            map.iter().map(move |value| (value - low) / (high - low + EPS))
        });
        Self { values: values.collect(), ..*self }
    }

    /// Every map bilinearly resized, corners not aligned (PyTorch's `align_corners = false`, no antialiasing).
    #[must_use]
    pub fn resize(&self, height: usize, width: usize) -> Self {
        let (rows, columns) = (taps(self.height, height), taps(self.width, width));
        let mut values = Vec::with_capacity(self.len() * height * width);
        for map in self.iter() {
            for row in &rows {
                values.extend(columns.iter().map(|column| {
                    let along = |at: usize| column.mix(map[at + column.first], map[at + column.second]);
                    row.mix(along(row.first * self.width), along(row.second * self.width))
                }));
            }
        }
        Self { height, width, values }
    }

    /// Discriminative area of every map for every threshold: the share of its values that are ≥ the threshold, in
    /// `[0, 1]`, `[n][thresholds]`.
    ///
    /// Comp-DD's complexity of an image is 1 − area. Its public code takes [`Maps::unit`] at the resolution of the
    /// feature map; the paper does not say.
    pub fn areas(&self, thresholds: &[f64]) -> Vec<Vec<f64>> {
        let area = |map: &[f64], threshold: f64| {
            map.iter().filter(|value| **value >= threshold).count() as f64 / map.len() as f64
        };
        self.iter().map(|map| thresholds.iter().map(|&threshold| area(map, threshold)).collect()).collect()
    }

    /// The maps of these indices, in this order.
    ///
    /// # Panics
    /// When there is no such map.
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        Self { values: indices.iter().flat_map(|index| self.map(*index).to_vec()).collect(), ..*self }
    }

    /// The maps of `range`.
    ///
    /// # Panics
    /// When the range leaves the maps.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let values = self.values[range.start * self.area()..range.end * self.area()].to_vec();
        Self { values, ..*self }
    }

    fn area(&self) -> usize {
        self.height * self.width
    }
}

/// The two samples that a resized one lies between.
struct Tap {
    first: usize,
    second: usize,
    /// Share of the second.
    share: f64,
}

impl Tap {
    fn mix(&self, first: f64, second: f64) -> f64 {
        first * (1.0 - self.share) + second * self.share
    }
}

/// Where the `to` samples of an axis lie among `from` samples.
fn taps(from: usize, to: usize) -> Vec<Tap> {
    (0..to)
        .map(|i| {
            let at = ((i as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.0);
            let first = (at as usize).min(from - 1);
            Tap { first, second: (first + 1).min(from - 1), share: at - first as f64 }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maps(height: usize, width: usize, values: &[f64]) -> Maps {
        Maps { height, width, values: values.to_vec() }
    }

    #[test]
    fn every_map_has_its_own_range() {
        let unit = maps(1, 3, &[2.0, 4.0, 3.0, 0.0, 0.0, 0.0, 7.0, 7.0, 7.0]).unit();
        assert!((unit.values[1] - 1.0).abs() < 1e-8 && (unit.values[2] - 0.5).abs() < 1e-8);
        assert_eq!(unit.values[0], 0.0);
        assert_eq!(unit.slice(1..3).values, [0.0; 6], "constant maps carry no place");
    }

    /// Values of PyTorch's documentation of align_corners = false: edges repeat, quarters in between.
    #[test]
    fn resizing_does_not_align_corners() {
        let wide = maps(1, 2, &[0.0, 4.0]).resize(1, 4);
        assert_eq!(wide.values, [0.0, 1.0, 3.0, 4.0]);
        let odd = maps(2, 1, &[0.0, 3.0]).resize(3, 1);
        assert_eq!(odd.values, [0.0, 1.5, 3.0]);
        let smaller = maps(1, 4, &[0.0, 1.0, 2.0, 3.0]).resize(1, 2);
        assert_eq!(smaller.values, [0.5, 2.5]);
        assert_eq!(maps(1, 1, &[5.0]).resize(2, 3).values, [5.0; 6]);
    }

    /// A bilinear resize of a plane is the plane itself wherever no edge is repeated.
    #[test]
    fn planes_stay_planes() {
        let plane = |y: f64, x: f64| 2.0 * y - 3.0 * x;
        let from: Vec<f64> = (0..20).map(|i| plane(f64::from(i / 5), f64::from(i % 5))).collect();
        let to = maps(4, 5, &from).resize(9, 7);
        for (y, x) in [(3, 2), (4, 3), (5, 4)] {
            let back = |i: usize, from: f64, to: f64| (i as f64 + 0.5) * from / to - 0.5;
            let expected = plane(back(y, 4.0, 9.0), back(x, 5.0, 7.0));
            assert!((to.values[y * 7 + x] - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn areas_count_values_at_the_threshold() {
        let areas = maps(1, 4, &[0.0, 0.5, 0.5, 1.0, 0.1, 0.2, 0.3, 0.4]).areas(&[0.5, 0.0, 1.1]);
        assert_eq!(areas, [[0.75, 1.0, 0.0], [0.0, 1.0, 0.0]]);
    }

    #[test]
    fn no_map_is_no_trouble() {
        let none = maps(0, 0, &[]);
        assert!(none.is_empty() && none.unit().areas(&[0.5]).is_empty());
    }
}
