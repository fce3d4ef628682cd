//! Owned, aligned buffers that are used again instead of being given back to the system.

use std::ops::{Deref, DerefMut};
use std::sync::Mutex;

use bytemuck::{Pod, Zeroable};

use crate::{Lanes, PANEL};

/// Two cache lines: vectors that cross a line halve the speed of a product.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, align(128))]
pub(crate) struct Line(Lanes);

/// Retired buffers that are kept: the filters of θ and λ of the deepest published network.
const KEPT: usize = 24;

static RETIRED: Mutex<Vec<Vec<Line>>> = Mutex::new(Vec::new());

/// A buffer of lines of [`PANEL`] scalars.
#[derive(Debug)]
pub(crate) struct Lines(Vec<Line>);

impl Lines {
    /// So many lines of zeros.
    pub(crate) fn zeros(count: usize) -> Self {
        let mut lines = Self::any(count);
        lines.fill([0.0; PANEL]);
        lines
    }

    /// So many lines of undefined content.
    pub(crate) fn any(count: usize) -> Self {
        let mut retired = RETIRED.lock().expect("no holder of this lock can panic");
        let found = retired.iter().position(|lines| lines.len() == count).map(|at| retired.swap_remove(at));
        drop(retired);
        Self(found.unwrap_or_else(|| bytemuck::zeroed_vec(count)))
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let mut retired = RETIRED.lock().expect("no holder of this lock can panic");
        if retired.len() == KEPT {
            // The oldest goes: buffers of a network that is no longer in use must not stay.
            retired.remove(0);
        }
        retired.push(std::mem::take(&mut self.0));
    }
}

impl Deref for Lines {
    type Target = [Lanes];

    fn deref(&self) -> &[Lanes] {
        bytemuck::cast_slice(&self.0)
    }
}

impl DerefMut for Lines {
    fn deref_mut(&mut self) -> &mut [Lanes] {
        bytemuck::cast_slice_mut(&mut self.0)
    }
}
