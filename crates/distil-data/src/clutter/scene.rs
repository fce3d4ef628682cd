//! What an image shows besides the glyph's shape: place, colours, background texture and distractors.
//!
//! Nothing here knows the class, so nothing but the glyph's outline can tell it.

use distil_random::{Stream, below, uniform, unit};

use super::{
    ClutterConfig,
    canvas::{Canvas, Colour, colour_of_luma, luma},
    shape::{Point, direction, length, polyline, sine},
};

/// Least distance in luma between the glyph and every point of the background, distractors included.
pub(super) const CONTRAST: f32 = 0.15;
/// Luma by which a texture of amplitude 1 swings up or down.
const TEXTURE_SWING: f32 = 0.25;
/// Largest change of a channel from the middle of the image to its border.
const GRADIENT: f32 = 0.06;
/// Distractors at a density of 1.
const MOST_PIECES: f32 = 36.0;
/// Largest rotation of a glyph in turns: 20°, at which no class looks like another.
const ROTATION: f32 = 20.0 / 360.0;
/// Share of the room around the glyph that its place may use.
const WANDER: f32 = 0.75;

/// Where the glyph is.
pub(super) struct Pose {
    /// Centre, in sides.
    pub(super) centre: Point,
    /// Radius of the circle around the glyph, in sides.
    pub(super) radius: f32,
    /// Unit vector of the glyph's x axis.
    axis: Point,
}

impl Pose {
    pub(super) fn draw(config: &ClutterConfig, rng: &mut Stream) -> Self {
        let radius = config.object_size / 2.0 * (1.0 + config.size_jitter * uniform(rng, -1.0, 1.0));
        let room = (0.5 - radius).max(0.0) * WANDER;
        let centre = [0.5 + room * uniform(rng, -1.0, 1.0), 0.5 + room * uniform(rng, -1.0, 1.0)];
        Self { centre, radius, axis: direction(uniform(rng, -ROTATION, ROTATION)) }
    }

    /// An image's point in the glyph's own coordinates, in which the circle has radius 1.
    pub(super) fn local(&self, p: Point) -> Point {
        let [x, y] = [(p[0] - self.centre[0]) / self.radius, (p[1] - self.centre[1]) / self.radius];
        [self.axis[0] * x + self.axis[1] * y, self.axis[0] * y - self.axis[1] * x]
    }
}

/// Which of glyph and background is the brighter one, and the colours of both.
pub(super) struct Palette {
    pub(super) glyph: Colour,
    ground: Colour,
    bright_glyph: bool,
}

impl Palette {
    /// Colours so far apart that the strongest texture and the gradient leave [`CONTRAST`] between them.
    ///
    /// The configuration has no say: a stronger texture is to change the background and not the glyph's colour.
    pub(super) fn draw(rng: &mut Stream) -> Self {
        let bright_glyph = unit(rng) < 0.5;
        let gap = CONTRAST + TEXTURE_SWING + GRADIENT;
        // Luma counted from the background's end of the scale, so that both cases share the arithmetic.
        let mirrored = |value: f32| if bright_glyph { value } else { 1.0 - value };
        let ground = uniform(rng, 0.12, 0.42);
        let glyph = uniform(rng, ground + gap, 0.97);
        Self {
            glyph: colour_of_luma(rng, mirrored(glyph)),
            ground: colour_of_luma(rng, mirrored(ground)),
            bright_glyph,
        }
    }

    /// A distractor's colour: any, on the background's side of the glyph's luma.
    fn distractor(&self, rng: &mut Stream) -> Colour {
        let glyph = luma(self.glyph);
        let wanted = if self.bright_glyph {
            uniform(rng, 0.03, glyph - CONTRAST)
        } else {
            uniform(rng, glyph + CONTRAST, 0.97)
        };
        colour_of_luma(rng, wanted)
    }
}

/// The background before distractors: a gradient and a texture of value noise and stripes.
pub(super) fn background(config: &ClutterConfig, palette: &Palette, rng: &mut Stream) -> Canvas {
    let slope_axis = direction(unit(rng));
    let slope = [(); 3].map(|()| GRADIENT * uniform(rng, -1.0, 1.0));
    let swing = TEXTURE_SWING * config.texture;
    // Coloured texture: no channel swings by more than the amplitude, hence neither does the luma.
    let tint = [(); 3].map(|()| swing * uniform(rng, 0.5, 1.0));
    let striped = uniform(rng, 0.0, 0.9);
    let noise = Noise::draw(rng);
    let stripe_axis = direction(unit(rng));
    let (cycles, phase) = (uniform(rng, 3.0, 7.0), unit(rng));
    let project = |axis: Point, p: Point| axis[0] * (p[0] - 0.5) + axis[1] * (p[1] - 0.5);
    Canvas::fill(config.resolution, |p| {
        // A corner lies half a diagonal away from the middle.
        let along = project(slope_axis, p) * std::f32::consts::SQRT_2;
        let stripes = sine(cycles * project(stripe_axis, p) + phase);
        let texture = striped * stripes + (1.0 - striped) * noise.at(p);
        [0, 1, 2].map(|i| palette.ground[i] + slope[i] * along + tint[i] * texture)
    })
}

/// Smooth noise in `[-1, 1]` from random values on two lattices.
struct Noise {
    coarse: Vec<f32>,
    fine: Vec<f32>,
}

const COARSE_CELLS: usize = 4;
const FINE_CELLS: usize = 10;

impl Noise {
    fn draw(rng: &mut Stream) -> Self {
        let mut lattice = |cells: usize| (0..(cells + 1).pow(2)).map(|_| uniform(rng, -1.0, 1.0)).collect();
        Self { coarse: lattice(COARSE_CELLS), fine: lattice(FINE_CELLS) }
    }

    fn at(&self, p: Point) -> f32 {
        let mean =
            0.6 * interpolate(&self.coarse, COARSE_CELLS, p) + 0.4 * interpolate(&self.fine, FINE_CELLS, p);
        // Averaging shrinks the swing; stretched, the noise stands its ground next to the stripes.
        (1.7 * mean).clamp(-1.0, 1.0)
    }
}

fn interpolate(lattice: &[f32], cells: usize, p: Point) -> f32 {
    let place = |value: f32| {
        let scaled = value * cells as f32;
        let cell = (scaled as usize).min(cells - 1);
        let within = scaled - cell as f32;
        (cell, within * within * (3.0 - 2.0 * within))
    };
    let ((x, u), (y, v)) = (place(p[0]), place(p[1]));
    let row = |y: usize| {
        let left = lattice[y * (cells + 1) + x];
        left + u * (lattice[y * (cells + 1) + x + 1] - left)
    };
    row(y) + v * (row(y + 1) - row(y))
}

/// Scatters distractors over the canvas.
pub(super) fn scatter(config: &ClutterConfig, palette: &Palette, canvas: &mut Canvas, rng: &mut Stream) {
    let pieces = (config.clutter * MOST_PIECES).round() as usize;
    for _ in 0..pieces {
        let colour = palette.distractor(rng);
        let piece = Piece::draw(rng);
        let side = canvas.side() as f32;
        canvas.lay(colour, piece.middle, piece.reach, |p| {
            let distance = polyline(&piece.corners, p) - piece.half_width;
            (0.5 - distance * side).clamp(0.0, 1.0)
        });
    }
}

/// A distractor: a thick open line. None of its kinds is closed, filled or forked like a glyph.
struct Piece {
    corners: Vec<Point>,
    half_width: f32,
    middle: Point,
    reach: f32,
}

impl Piece {
    fn draw(rng: &mut Stream) -> Self {
        let middle = [uniform(rng, -0.05, 1.05), uniform(rng, -0.05, 1.05)];
        let axis = direction(unit(rng));
        let half_width = uniform(rng, 0.018, 0.04);
        let reach = uniform(rng, 0.07, 0.18);
        let outline = match below(rng, 4) {
            0 => stroke(),
            1 => dash(),
            2 => corner(uniform(rng, -0.9, 0.9)),
            _ => arc(uniform(rng, 0.10, 0.22)),
        };
        let corners: Vec<Point> = outline
            .into_iter()
            .map(|[x, y]| {
                let turned = [axis[0] * x - axis[1] * y, axis[1] * x + axis[0] * y];
                [middle[0] + reach * turned[0], middle[1] + reach * turned[1]]
            })
            .collect();
        let farthest = corners.iter().map(|c| length([c[0] - middle[0], c[1] - middle[1]]));
        let reach = farthest.fold(0.0, f32::max) + half_width;
        Self { corners, half_width, middle, reach }
    }
}

fn stroke() -> Vec<Point> {
    vec![[-1.0, 0.0], [1.0, 0.0]]
}

/// Short enough to look like an oblong blot.
fn dash() -> Vec<Point> {
    vec![[-0.3, 0.0], [0.3, 0.0]]
}

/// Two strokes that meet at an angle.
fn corner(lean: f32) -> Vec<Point> {
    vec![[-0.8, 0.0], [0.0, 0.0], [lean, 0.8]]
}

/// A piece of a circle, `sweep` turns long: never enough of it to pass for a ring or a crescent.
fn arc(sweep: f32) -> Vec<Point> {
    const PIECES: usize = 5;
    (0..=PIECES)
        .map(|i| {
            let [x, y] = direction(sweep * (i as f32 / PIECES as f32 - 0.5));
            [x - 0.8, y]
        })
        .collect()
}
