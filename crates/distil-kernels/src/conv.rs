//! Convolutions between panels of channels, in the transformed domain of [`winograd`].

use crate::gemm::{Left, Right, Write, columns, multiply};
use crate::winograd::POSITIONS;
use crate::{Lanes, PANEL};

/// M = V·U between maps of `width` channels: `v` `[36][panels in][tiles]`, `u` `[36][panels out][channels in]`, `m`
/// `[36][panels out][tiles]`.
///
/// The gradient ∂V = ∂M·Uᵀ is the same product with the transposed filters.
pub(crate) fn products(width: usize, v: &[Lanes], u: &[Lanes], m: &mut [Lanes], write: Write) {
    let (panels, depth) = (width.div_ceil(PANEL), width.min(PANEL));
    let tiles = m.len() / POSITIONS / panels;
    let positions = v.chunks_exact(panels * tiles).zip(u.chunks_exact(panels * panels * PANEL));
    for ((v, u), m) in positions.zip(m.chunks_exact_mut(panels * tiles)) {
        let panels_out = u.chunks_exact(panels * PANEL).zip(m.chunks_exact_mut(tiles));
        for (panel, (u, m)) in panels_out.enumerate() {
            let u = Right { data: &u[..panels * depth], columns: columns(width, panel) };
            multiply(Left::Panels { data: v, depth }, u, m, write);
        }
    }
}

/// ∂U = Vᵀ·∂M of the output channels of one panel, `u` `[36][channels in]`, with the shapes of [`products`]. Lines of `u`
/// without a channel are not written.
pub(crate) fn filter_products(
    width: usize,
    panel: usize,
    v: &[Lanes],
    m: &[Lanes],
    u: &mut [Lanes],
    write: Write,
) {
    let panels = width.div_ceil(PANEL);
    let tiles = m.len() / POSITIONS / panels;
    let positions = v.chunks_exact(panels * tiles).zip(m.chunks_exact(panels * tiles));
    for ((v, m), u) in positions.zip(u.chunks_exact_mut(panels * PANEL)) {
        let m = Right { data: &m[panel * tiles..][..tiles], columns: columns(width, panel) };
        for (input, (v, u)) in v.chunks_exact(tiles).zip(u.chunks_exact_mut(PANEL)).enumerate() {
            multiply(Left::Transposed(v), m, &mut u[..columns(width, input)], write);
        }
    }
}
