//! An image in the making, and the colours put on it.

use distil_random::{Stream, uniform};

use super::shape::Point;

/// Red, green and blue in `[0, 1]`.
pub(super) type Colour = [f32; 3];

/// Luma of a colour (Rec. 601).
pub(super) fn luma(colour: Colour) -> f32 {
    0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
}

/// A random colour of the given luma: a random hue mixed with white or black.
pub(super) fn colour_of_luma(rng: &mut Stream, wanted: f32) -> Colour {
    let hue = [uniform(rng, 0.0, 1.0), uniform(rng, 0.0, 1.0), uniform(rng, 0.0, 1.0)];
    let found = luma(hue);
    if found < wanted {
        let share = (wanted - found) / (1.0 - found);
        hue.map(|channel| channel + share * (1.0 - channel))
    } else {
        // A black hue cannot be scaled, but is exactly what a wanted luma of zero asks for.
        let scale = if found > 0.0 { wanted / found } else { 0.0 };
        hue.map(|channel| channel * scale)
    }
}

/// A square RGB image in floating point.
pub(super) struct Canvas {
    side: usize,
    pixels: Vec<Colour>,
}

impl Canvas {
    /// Fills a canvas from the colour at each pixel's centre; coordinates are fractions of the side.
    pub(super) fn fill(side: usize, mut colour_at: impl FnMut(Point) -> Colour) -> Self {
        let centre = |i: usize| (i as f32 + 0.5) / side as f32;
        let pixels = (0..side * side).map(|i| colour_at([centre(i % side), centre(i / side)])).collect();
        Self { side, pixels }
    }

    /// Side in pixels.
    pub(super) fn side(&self) -> usize {
        self.side
    }

    /// Lays `colour` over the pixels around `middle` (within `reach`, both fractions of the side), as far as
    /// `coverage` says for a pixel's centre.
    pub(super) fn lay(
        &mut self,
        colour: Colour,
        middle: Point,
        reach: f32,
        mut coverage: impl FnMut(Point) -> f32,
    ) {
        let side = self.side as f32;
        let span = |axis: usize| {
            let first = ((middle[axis] - reach) * side - 1.0).max(0.0) as usize;
            let end = ((middle[axis] + reach) * side + 2.0).clamp(0.0, side) as usize;
            first..end
        };
        for y in span(1) {
            for x in span(0) {
                let share = coverage([(x as f32 + 0.5) / side, (y as f32 + 0.5) / side]);
                let pixel = &mut self.pixels[y * self.side + x];
                for (under, over) in pixel.iter_mut().zip(colour) {
                    *under += share * (over - *under);
                }
            }
        }
    }

    /// The pixels, row-major.
    #[cfg(test)]
    pub(super) fn pixels(&self) -> &[Colour] {
        &self.pixels
    }

    /// Eight bits a channel, `[3, side, side]`, with `grain` added to each value.
    pub(super) fn quantise(&self, mut grain: impl FnMut() -> f32) -> Vec<u8> {
        let mut planes = Vec::with_capacity(3 * self.pixels.len());
        for channel in 0..3 {
            planes.extend(
                self.pixels
                    .iter()
                    .map(|pixel| ((pixel[channel] + grain()).clamp(0.0, 1.0) * 255.0 + 0.5) as u8),
            );
        }
        planes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_have_the_luma_asked_for() {
        let mut rng = distil_random::stream(3, "colours", 0);
        for i in 0..=100 {
            let wanted = i as f32 / 100.0;
            let colour = colour_of_luma(&mut rng, wanted);
            assert!((luma(colour) - wanted).abs() < 1e-4, "{colour:?} for {wanted}");
            assert!(colour.iter().all(|channel| (-1e-6..=1.0 + 1e-6).contains(channel)), "{colour:?}");
        }
    }
}
