/// A colour picture with eight bits a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    /// Columns, in pixels.
    pub width: usize,
    /// Rows, in pixels.
    pub height: usize,
    /// `[height, width, 3]`, row-major.
    pub rgb: Vec<u8>,
}

/// Pixels between picture and overlay.
const GAP: usize = 4;
/// How much of the colour covers the picture where the map is 0, and how much more where it is 1.
const COVER: [f64; 2] = [0.35, 0.4];
/// Colours of equally spaced map values from 0 to 1: dark blue, purple, red, orange, pale yellow. Their lightness
/// grows with the value, so they read without colour vision too.
const HEAT: [[f64; 3]; 5] =
    [[0.02, 0.02, 0.20], [0.36, 0.07, 0.46], [0.76, 0.20, 0.30], [0.97, 0.56, 0.12], [0.99, 0.97, 0.68]];

/// An image and, next to it, the same image under the colours of its map; every pixel becomes a square of `scale` pixels.
///
/// `picture` is `[c, h, w]` in `[0, 1]` (one channel is shown as grey, of more than three the first three), `map`
/// `[h, w]` in `[0, 1]`. Values outside are clamped.
///
/// # Panics
/// When `picture` or `map` do not have the sizes of `shape` = `[c, h, w]`, or `scale` is 0.
///
/// ```
/// let overlay = distil_gradcam::overlay(&[0.0, 1.0], [1, 1, 2], &[0.0, 1.0], 3);
/// assert_eq!((overlay.width, overlay.height), (2 * 6 + 4, 3));
/// ```
pub fn overlay(picture: &[f32], shape: [usize; 3], map: &[f64], scale: usize) -> Overlay {
    let [channels, height, width] = shape;
    assert_eq!(picture.len(), channels * height * width, "the picture has the sizes of its shape");
    assert_eq!(map.len(), height * width, "the map has the sizes of the picture");
    assert!(scale > 0, "a pixel has at least one pixel");
    let plane = |channel: usize| if channels >= 3 { channel } else { 0 };
    let colour = |at: usize| {
        [0, 1, 2].map(|channel| f64::from(picture[plane(channel) * height * width + at].clamp(0.0, 1.0)))
    };
    let columns = 2 * width * scale + GAP;
    let mut rgb = Vec::with_capacity(columns * height * scale * 3);
    for y in 0..height * scale {
        for x in 0..columns {
            let within = |x: usize| y / scale * width + x / scale;
            let shown = if x < width * scale {
                colour(within(x))
            } else if x < width * scale + GAP {
                [1.0; 3]
            } else {
                let at = within(x - width * scale - GAP);
                covered(colour(at), map[at])
            };
            rgb.extend(shown.map(|value| (value * 255.0).round() as u8));
        }
    }
    Overlay { width: columns, height: height * scale, rgb }
}

/// A pixel's colour under the colour of its map value. The picture shows through in grey, so that hues are the map's.
fn covered(colour: [f64; 3], value: f64) -> [f64; 3] {
    let value = if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) };
    let grey = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2];
    let cover = COVER[0] + COVER[1] * value;
    heat(value).map(|heat| cover * heat + (1.0 - cover) * grey)
}

fn heat(value: f64) -> [f64; 3] {
    let place = value * (HEAT.len() - 1) as f64;
    let first = (place as usize).min(HEAT.len() - 2);
    let share = place - first as f64;
    [0, 1, 2].map(|i| HEAT[first][i] * (1.0 - share) + HEAT[first + 1][i] * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lightness(rgb: [f64; 3]) -> f64 {
        0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
    }

    #[test]
    fn hotter_is_lighter() {
        let steps: Vec<f64> = (0..=100).map(|i| lightness(heat(f64::from(i) / 100.0))).collect();
        assert!(steps.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(heat(1.0), HEAT[4]);
    }

    #[test]
    fn the_left_half_is_the_picture() {
        let picture = [0.0, 1.0, 0.5, 0.5, 1.0, 0.0];
        let shown = overlay(&picture, [3, 1, 2], &[1.0, 0.0], 2);
        assert_eq!((shown.width, shown.height, shown.rgb.len()), (12, 2, 72));
        assert_eq!(shown.rgb[..9], [0, 128, 255, 0, 128, 255, 255, 128, 0]);
        assert_eq!(shown.rgb[12..24], [255; 12]);
        let sum = |at: usize| shown.rgb[3 * at..3 * at + 3].iter().map(|v| u32::from(*v)).sum::<u32>();
        assert!(sum(8) > sum(10), "the hot pixel is lighter");
    }

    #[test]
    fn odd_values_are_shown_not_refused() {
        let shown = overlay(&[2.0, f32::NAN], [1, 1, 2], &[f64::NAN, 7.0], 1);
        assert_eq!(shown.rgb[..3], [255; 3]);
    }
}
