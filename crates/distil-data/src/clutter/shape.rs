//! Geometry: signed distances of the ten glyphs and of the distractors' strokes.
//!
//! Glyphs live in a circle of radius 1 around the origin with y pointing down, as in an image.

/// A point or a direction in the plane.
pub(super) type Point = [f32; 2];

/// The classes, in label order.
pub const CLASS_NAMES: [&str; 10] =
    ["disc", "ring", "square", "triangle", "cross", "star", "crescent", "heart", "arrow", "zigzag"];

const TRIANGLE: [Point; 3] = [[0.0, -0.98], [0.86, 0.49], [-0.86, 0.49]];
const CROSS: [Point; 12] = [
    [-0.24, -0.94],
    [0.24, -0.94],
    [0.24, -0.24],
    [0.94, -0.24],
    [0.94, 0.24],
    [0.24, 0.24],
    [0.24, 0.94],
    [-0.24, 0.94],
    [-0.24, 0.24],
    [-0.94, 0.24],
    [-0.94, -0.24],
    [-0.24, -0.24],
];
/// A pentagram's outline: the outer points lie on the unit circle, the inner ones at 0.40.
const STAR: [Point; 10] = [
    [0.0, -1.0],
    [0.235, -0.324],
    [0.951, -0.309],
    [0.380, 0.124],
    [0.588, 0.809],
    [0.0, 0.40],
    [-0.588, 0.809],
    [-0.380, 0.124],
    [-0.951, -0.309],
    [-0.235, -0.324],
];
const ARROW: [Point; 7] =
    [[-0.96, -0.2], [0.0, -0.2], [0.0, -0.78], [0.99, 0.0], [0.0, 0.78], [0.0, 0.2], [-0.96, 0.2]];
const ZIGZAG: [Point; 4] = [[-0.70, 0.42], [-0.27, -0.46], [0.27, 0.46], [0.70, -0.42]];
const ZIGZAG_HALF_WIDTH: f32 = 0.17;

/// Signed distance from `p` to the border of class `label`'s glyph, negative inside.
pub(super) fn glyph(label: usize, p: Point) -> f32 {
    match CLASS_NAMES[label] {
        "disc" => length(p) - 0.86,
        "ring" => (length(p) - 0.72).abs() - 0.20,
        "square" => square(p, 0.70),
        "triangle" => polygon(&TRIANGLE, p),
        "cross" => polygon(&CROSS, p),
        "star" => polygon(&STAR, p),
        "crescent" => (length(p) - 0.94).max(0.74 - length([p[0] - 0.42, p[1]])),
        "heart" => heart(p),
        "arrow" => polygon(&ARROW, p),
        _ => polyline(&ZIGZAG, p) - ZIGZAG_HALF_WIDTH,
    }
}

pub(super) fn length(p: Point) -> f32 {
    (p[0] * p[0] + p[1] * p[1]).sqrt()
}

fn square(p: Point, half: f32) -> f32 {
    let (x, y) = (p[0].abs() - half, p[1].abs() - half);
    length([x.max(0.0), y.max(0.0)]) + x.max(y).min(0.0)
}

/// A square standing on its corner, with a disc on each of its upper edges.
fn heart(p: Point) -> f32 {
    const HALF_DIAGONAL: f32 = 0.75;
    const HALF_SIDE: f32 = HALF_DIAGONAL * std::f32::consts::FRAC_1_SQRT_2;
    let (x, y) = (p[0].abs(), p[1] - 0.10);
    let turned = [(x + y) * std::f32::consts::FRAC_1_SQRT_2, (y - x) * std::f32::consts::FRAC_1_SQRT_2];
    let lobe = length([x - HALF_DIAGONAL / 2.0, y + HALF_DIAGONAL / 2.0]) - HALF_SIDE;
    square(turned, HALF_SIDE).min(lobe)
}

/// Signed distance to a closed polygon without self-intersections.
fn polygon(corners: &[Point], p: Point) -> f32 {
    let mut distance = f32::INFINITY;
    let mut inside = false;
    let mut from = corners[corners.len() - 1];
    for &to in corners {
        distance = distance.min(segment(from, to, p));
        // A ray to the right crosses this edge.
        if (from[1] > p[1]) != (to[1] > p[1]) {
            let crossing = from[0] + (p[1] - from[1]) / (to[1] - from[1]) * (to[0] - from[0]);
            inside ^= p[0] < crossing;
        }
        from = to;
    }
    if inside { -distance } else { distance }
}

/// Distance from `p` to an open line of straight pieces.
pub(super) fn polyline(corners: &[Point], p: Point) -> f32 {
    corners.windows(2).map(|edge| segment(edge[0], edge[1], p)).fold(f32::INFINITY, f32::min)
}

fn segment(from: Point, to: Point, p: Point) -> f32 {
    let along = [to[0] - from[0], to[1] - from[1]];
    let offset = [p[0] - from[0], p[1] - from[1]];
    let squared = along[0] * along[0] + along[1] * along[1];
    let share = ((offset[0] * along[0] + offset[1] * along[1]) / squared.max(1e-12)).clamp(0.0, 1.0);
    length([offset[0] - share * along[0], offset[1] - share * along[1]])
}

/// The unit vector at an angle given in turns (1 = 360°).
///
/// Written with additions and products alone: the platform's `sin` may differ in its last bit, and the images
/// are to be the same on every machine.
pub(super) fn direction(turns: f32) -> Point {
    [sine(turns + 0.25), sine(turns)]
}

/// Sine of an angle in turns, to 1e-5.
pub(super) fn sine(turns: f32) -> f32 {
    let wrapped = turns - turns.round();
    // The nearest quarter-turn range in which the series converges fast.
    let folded = if wrapped > 0.25 {
        0.5 - wrapped
    } else if wrapped < -0.25 {
        -0.5 - wrapped
    } else {
        wrapped
    };
    let x = folded * std::f32::consts::TAU;
    let square = x * x;
    x * (1.0 - square / 6.0 * (1.0 - square / 20.0 * (1.0 - square / 42.0 * (1.0 - square / 72.0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> impl Iterator<Item = Point> {
        (-60..=60).flat_map(|y| (-60..=60).map(move |x| [x as f32 / 50.0, y as f32 / 50.0]))
    }

    #[test]
    fn every_glyph_fits_its_circle_and_nearly_fills_it() {
        for (label, name) in CLASS_NAMES.iter().enumerate() {
            let reach = grid().filter(|&p| glyph(label, p) < 0.0).map(length).fold(0.0, f32::max);
            assert!((0.82..=1.0).contains(&reach), "{name} reaches {reach}");
        }
    }

    /// Anti-aliasing takes the value as a distance: it must not grow faster than the way walked.
    #[test]
    fn distances_are_lipschitz() {
        for (label, name) in CLASS_NAMES.iter().enumerate() {
            for p in grid() {
                let step = glyph(label, [p[0] + 0.01, p[1] - 0.01]) - glyph(label, p);
                assert!(step.abs() <= 0.0143, "{name} jumps by {step} at {p:?}");
            }
        }
    }

    #[test]
    fn the_portable_sine_is_the_sine() {
        for i in -300..300 {
            let turns = i as f32 / 97.0;
            let expected = (f64::from(turns) * std::f64::consts::TAU).sin();
            assert!((f64::from(sine(turns)) - expected).abs() < 1e-5, "{turns}");
        }
    }

    /// Area that two glyphs share when one is turned, over the area that either covers.
    fn overlap(label: usize, other: usize, turns: f32) -> f32 {
        let [c, s] = direction(turns);
        let (mut both, mut either) = (0, 0);
        for p in grid() {
            let turned = [c * p[0] - s * p[1], s * p[0] + c * p[1]];
            let (first, second) = (glyph(label, p) < 0.0, glyph(other, turned) < 0.0);
            both += usize::from(first && second);
            either += usize::from(first || second);
        }
        both as f32 / either as f32
    }

    /// Two glyphs can be turned against each other by at most 40°; even then a fifth of the area that they cover
    /// tells the closest two (disc and square) apart.
    #[test]
    fn glyphs_stay_apart_under_rotation() {
        for (label, name) in CLASS_NAMES.iter().enumerate() {
            for (other, other_name) in CLASS_NAMES.iter().enumerate().take(label) {
                for turns in [-0.11, -0.055, 0.0, 0.055, 0.11] {
                    let overlap = overlap(label, other, turns);
                    assert!(overlap < 0.8, "{name} and {other_name} share {overlap}");
                }
            }
        }
    }
}
