use crate::{Maps, Threshold};

/// How well maps find objects whose place is known, and what maps that know nothing would score. Means over images.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Localisation {
    /// Intersection over union of {map ≥ threshold} and the object.
    pub iou: f64,
    /// The same for as many pixels at random places, in expectation.
    pub chance_iou: f64,
    /// Share of images whose highest map value lies on the object (the pointing game).
    pub pointing: f64,
    /// The same for a random pixel: the mean share of the object.
    pub chance_pointing: f64,
    /// Images that were counted: those that show an object.
    pub images: usize,
}

/// Compares `maps` with object masks `[n, h, w]` of the same resolution; `None` when no image shows an object.
///
/// A map that is constant points nowhere, and counts as a miss.
///
/// # Panics
/// When `masks` does not have the size of `maps`.
pub fn localisation(maps: &Maps, masks: &[bool], threshold: Threshold) -> Option<Localisation> {
    assert_eq!(masks.len(), maps.values.len(), "masks have the resolution of the maps");
    let mut sum = Localisation { iou: 0.0, chance_iou: 0.0, pointing: 0.0, chance_pointing: 0.0, images: 0 };
    let seen = maps.iter().zip(masks.chunks((maps.height * maps.width).max(1)));
    for (map, mask) in seen {
        let (pixels, threshold) = (mask.len() as f64, threshold.of(map));
        let object = mask.iter().filter(|on| **on).count() as f64;
        if object == 0.0 {
            continue;
        }
        let area = map.iter().filter(|value| **value >= threshold).count() as f64;
        let both = map.iter().zip(mask).filter(|(value, on)| **value >= threshold && **on).count() as f64;
        let by_chance = area * object / pixels;
        sum.iou += both / (area + object - both);
        sum.chance_iou += by_chance / (area + object - by_chance);
        sum.pointing += if points_at(map, mask) { 1.0 } else { 0.0 };
        sum.chance_pointing += object / pixels;
        sum.images += 1;
    }
    let n = sum.images as f64;
    (sum.images > 0).then(|| Localisation {
        iou: sum.iou / n,
        chance_iou: sum.chance_iou / n,
        pointing: sum.pointing / n,
        chance_pointing: sum.chance_pointing / n,
        images: sum.images,
    })
}

/// Whether the first of the highest values lies on the object.
fn points_at(map: &[f64], mask: &[bool]) -> bool {
    let top = map.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let constant = map.iter().all(|value| *value == top);
    !constant && map.iter().position(|value| *value == top).is_some_and(|at| mask[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64], mask: &[bool]) -> Option<Localisation> {
        localisation(&Maps { height: 1, width: 4, values: values.to_vec() }, mask, Threshold::Fixed(0.5))
    }

    #[test]
    fn overlap_and_pointing_are_what_they_are_called() {
        let got = of(&[0.0, 1.0, 0.6, 0.0], &[false, true, false, true]).unwrap();
        assert_eq!((got.iou, got.pointing, got.chance_pointing), (1.0 / 3.0, 1.0, 0.5));
        assert_eq!(got.chance_iou, 1.0 / 3.0, "one of four is shared by chance, too");
        let exact = of(&[0.0, 0.9, 0.0, 1.0], &[false, true, false, true]).unwrap();
        assert_eq!((exact.iou, exact.pointing), (1.0, 1.0));
        assert!(exact.chance_iou < 0.4);
    }

    #[test]
    fn empty_masks_are_not_counted_and_constant_maps_point_nowhere() {
        assert_eq!(of(&[1.0; 4], &[false; 4]), None);
        let got = of(
            &[0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
            &[true, true, true, true, true, false, false, false],
        );
        let got = got.unwrap();
        assert_eq!((got.images, got.pointing, got.iou), (2, 0.5, 0.5));
    }
}
