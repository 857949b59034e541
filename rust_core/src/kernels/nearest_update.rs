//! Bringing the distances of rows to the nearest of some picks up to date with a few more.

use super::by_bytes::ByBytes;
use super::nearest::Scratch;
use super::product::{Packed, squared, tile_norms};
use super::simd::{Kernel, Simd};
use super::sketch::Sketches;
use super::vectors::{TILE_ROWS, Vectors};
use super::{Cancel, Result};

/// Bring distances up to date; what comes back are the sums of the masses before each pick.
pub(super) struct Update<'a, 'p> {
    pub(super) vectors: &'a Vectors<'a>,
    pub(super) weights: Option<&'a [f32]>,
    pub(super) start: usize,
    pub(super) picks: &'a Packed<'p>,
    /// The picks and the rows of the task as bytes.
    pub(super) bytes: Option<(&'a ByBytes, &'a Sketches)>,
    pub(super) near: &'a mut [f32],
    pub(super) of: &'a mut [i32],
    /// Picks that the distances know of.
    pub(super) before: usize,
    pub(super) scratch: &'a mut Scratch,
    pub(super) cancel: &'a Cancel,
}

impl Kernel for Update<'_, '_> {
    type Output = Result<Vec<f64>>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Result<Vec<f64>> {
        let Scratch { tile, lower } = self.scratch.sized();
        let mut sums = vec![0.0; self.picks.rows()];
        for (at, near) in self.near.chunks_mut(TILE_ROWS).enumerate() {
            self.cancel.check()?;
            let first = at * TILE_ROWS;
            let tile = self.vectors.tile(s, self.start + first, near.len(), tile);
            let all = 0..self.picks.rows();
            let bounds = lower.as_mut_slice();
            if let Some((picks, rows)) = self.bytes {
                picks.lower(s, rows, first, all.clone(), bounds);
            } else {
                let norms = tile_norms(s, &tile);
                self.picks.lower(s, &tile, &norms, all.clone(), bounds);
            }
            for pick in all {
                let bounds = &bounds[pick * TILE_ROWS..(pick + 1) * TILE_ROWS];
                for (row, near) in near.iter_mut().enumerate() {
                    let weight = self.weights.map_or(1.0, |w| w[first + row]);
                    sums[pick] += f64::from(weight) * f64::from(*near);
                    if bounds[row] < *near {
                        let gap = squared(s, tile.row(row), self.picks.row(pick));
                        if gap < *near {
                            *near = gap;
                            self.of[first + row] = (self.before + pick) as i32;
                        }
                    }
                }
            }
        }
        Ok(sums)
    }
}
