//! Convolutions between panels of channels, in the transformed domain of [`winograd`].

use crate::gemm::{Left, Write, multiply};
use crate::winograd::POSITIONS;
use crate::{Lanes, PANEL};

/// M = V·U: `v` `[36][panels in][tiles]`, `u` `[36][panels out][channels in]`, `m` `[36][panels out][tiles]`.
///
/// The gradient ∂V = ∂M·Uᵀ is the same product with the transposed filters.
pub(crate) fn products(panels: usize, v: &[Lanes], u: &[Lanes], m: &mut [Lanes], write: Write) {
    let tiles = m.len() / POSITIONS / panels;
    let positions = v.chunks_exact(panels * tiles).zip(u.chunks_exact(panels * panels * PANEL));
    for ((v, u), m) in positions.zip(m.chunks_exact_mut(panels * tiles)) {
        for (u, m) in u.chunks_exact(panels * PANEL).zip(m.chunks_exact_mut(tiles)) {
            multiply(Left::Panels { data: v, depth: PANEL }, u, m, write);
        }
    }
}

/// ∂U = Vᵀ·∂M of the output channels of one panel, `u` `[36][channels in]`, with the shapes of [`products`].
pub(crate) fn filter_products(
    panels: usize,
    panel: usize,
    v: &[Lanes],
    m: &[Lanes],
    u: &mut [Lanes],
    write: Write,
) {
    let tiles = m.len() / POSITIONS / panels;
    let positions = v.chunks_exact(panels * tiles).zip(m.chunks_exact(panels * tiles));
    for ((v, m), u) in positions.zip(u.chunks_exact_mut(panels * PANEL)) {
        let m = &m[panel * tiles..][..tiles];
        for (v, u) in v.chunks_exact(tiles).zip(u.chunks_exact_mut(PANEL)) {
            multiply(Left::Transposed(v), m, u, write);
        }
    }
}
