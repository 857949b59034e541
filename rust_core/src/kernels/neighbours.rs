//! The nearest rows of a base to each of some queries, exactly, by brute force.

use super::error::{same_length, zeros};
use super::nearest::{Scratch, TASK_ROWS};
use super::product::{Packed, squared, tile_norms};
use super::simd::{Kernel, Simd};
use super::vectors::{TILE_ROWS, Vectors};
use super::{Cancel, Engine, Error, Result};
use rayon::prelude::*;

/// `k` neighbours of each query, nearest first, of equally near ones the first; -1 and infinity
/// where there are fewer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Neighbours {
    /// Which rows of the base.
    pub index: Vec<i32>,
    /// Squared Euclidean distances.
    pub squared: Vec<f32>,
}

struct Task<'a, 'b> {
    queries: &'a Vectors<'a>,
    start: usize,
    base: &'a Packed<'b>,
    k: usize,
    index: &'a mut [i32],
    squared: &'a mut [f32],
    scratch: &'a mut Scratch,
    cancel: &'a Cancel,
}

impl Kernel for Task<'_, '_> {
    type Output = Result<()>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Result<()> {
        let k = self.k;
        let Scratch { tile, lower } = self.scratch.sized();
        let lower = lower.as_mut_slice();
        for span in self.base.blocks() {
            let rows = self.index.chunks_mut(TILE_ROWS * k);
            let rows = rows.zip(self.squared.chunks_mut(TILE_ROWS * k)).enumerate();
            for (at, (index, gaps)) in rows {
                self.cancel.check()?;
                let (start, count) = (self.start + at * TILE_ROWS, index.len() / k);
                let tile = self.queries.tile(s, start, count, tile);
                let norms = tile_norms(s, &tile);
                let bounds = &mut lower[..span.len() * TILE_ROWS];
                self.base.lower(s, &tile, &norms, span.clone(), bounds);
                // Rows past a short tile's end are never below their limit.
                let mut limits = [0.0; TILE_ROWS];
                for (limit, gaps) in limits.iter_mut().zip(gaps.chunks_exact(k)) {
                    *limit = gaps[k - 1];
                }
                for (base, bounds) in span.clone().zip(bounds.chunks_exact(TILE_ROWS)) {
                    if !any_below(bounds, &limits) {
                        continue;
                    }
                    for row in 0..count {
                        if bounds[row] < limits[row] {
                            let gap = squared(s, tile.row(row), self.base.row(base));
                            let own = row * k..(row + 1) * k;
                            insert(&mut index[own.clone()], &mut gaps[own], base as i32, gap);
                            limits[row] = gaps[(row + 1) * k - 1];
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

#[inline(always)]
fn any_below(bounds: &[f32], limits: &[f32; TILE_ROWS]) -> bool {
    let below = bounds.iter().zip(limits).map(|(b, l)| b < l);
    below.fold(false, |any, below| any | below)
}

/// Behind all that are as near.
#[inline(always)]
fn insert(index: &mut [i32], gaps: &mut [f32], base: i32, gap: f32) {
    let place = gaps.partition_point(|&other| other <= gap);
    if place < gaps.len() {
        let last = gaps.len() - 1;
        gaps.copy_within(place..last, place + 1);
        index.copy_within(place..last, place + 1);
        (gaps[place], index[place]) = (gap, base);
    }
}

impl Engine {
    /// The `k` rows of `base` nearest to each query.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] for rows without values or if dimensions differ; [`Error::NotFinite`] if
    /// a value is not finite; [`Error::Memory`] if there is none for the result;
    /// [`Error::Cancelled`].
    pub fn neighbours(
        &self,
        queries: &Vectors<'_>,
        base: &Vectors<'_>,
        k: usize,
        cancel: &Cancel,
    ) -> Result<Neighbours> {
        same_length("dimension of the base", queries.dim(), base.dim())?;
        let packed = Packed::new("base (row)", base, self.level())?;
        self.check_finite("queries (row)", queries, cancel)?;
        let size = queries.rows().saturating_mul(k);
        let mut found = Neighbours {
            squared: zeros(size)?,
            index: minus_ones(size)?,
        };
        found.squared.fill(f32::INFINITY);
        if size == 0 {
            return Ok(found);
        }
        let index = found.index.par_chunks_mut(TASK_ROWS * k);
        let tasks = index.zip(found.squared.par_chunks_mut(TASK_ROWS * k));
        self.install(|| {
            tasks.enumerate().try_for_each_init(
                Scratch::default,
                |scratch, (at, (index, squared))| {
                    self.level().run(Task {
                        queries,
                        start: at * TASK_ROWS,
                        base: &packed,
                        k,
                        index,
                        squared,
                        scratch,
                        cancel,
                    })
                },
            )
        })?;
        Ok(found)
    }
}

fn minus_ones(len: usize) -> Result<Vec<i32>> {
    let mut values = Vec::new();
    let failed = |_| Error::Memory { values: len };
    values.try_reserve_exact(len).map_err(failed)?;
    values.resize(len, -1);
    Ok(values)
}
