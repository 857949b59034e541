//! All similarities of candidates and rows, kept: a gain that is looked at again is then a walk
//! through memory instead of a product.

use super::coverage_kept::Within;
use super::coverage_pass::{Ground, ROWS, sum};
use super::pages::large_zeros;
use super::panel::PANEL_ROWS;
use super::room::{ROOM, Taken};
use super::simd::{Kernel, Level, Simd};
use super::similarity::{Group, Normed};
use super::vectors::TILE_ROWS;
use super::{Cancel, Result};
use rayon::prelude::*;

/// Candidates per visit: packed they stay in the second-level cache. A multiple of the rows of a
/// panel, so that what one visit leaves to another are whole panels.
pub(crate) const CHUNK: usize = 192;
/// Pages are 1024 floats: rows at this distance would fall on the same lines of the cache.
const CLASH: usize = 1024;

/// Candidate by candidate, the similarities with all rows.
pub(crate) struct Table {
    values: Vec<f32>,
    pitch: usize,
    _taken: Taken<'static>,
}

impl Table {
    /// The table, or none if it would be too large, or if there is no memory for it now.
    pub(crate) fn new(
        level: Level,
        candidates: &Normed<'_>,
        ground: &Ground,
        within: Within,
        cancel: &Cancel,
    ) -> Result<Option<Self>> {
        let (count, width) = (candidates.rows(), ground.weights.len());
        let gap = if width.is_multiple_of(CLASH) {
            TILE_ROWS
        } else {
            0
        };
        let pitch = width + gap;
        let size = count.saturating_mul(pitch);
        if width == 0 || size > within.largest {
            return Ok(None);
        }
        let Some(taken) = ROOM.take(size) else {
            return Ok(None);
        };
        let Some(values) = large_zeros(size) else {
            return Ok(None);
        };
        let mut table = Self {
            values,
            pitch,
            _taken: taken,
        };
        let shared = if within.shared { count } else { 0 };
        let alike = shared / PANEL_ROWS * PANEL_ROWS;
        let chunks = table.values.par_chunks_mut(CHUNK * pitch).enumerate();
        chunks.try_for_each(|(chunk, values)| {
            let first = chunk * CHUNK;
            let numbers: Vec<usize> = (first..first + values.len() / pitch).collect();
            let group = &Group::new(candidates, &numbers);
            let found = &mut *vec![0.0; group.len() * PANEL_ROWS];
            // Columns that another chunk has as rows are left to `mirror`.
            let known = (first + CHUNK).min(alike)..alike;
            let panels = (0..width).step_by(PANEL_ROWS);
            for start in panels.filter(|start| !known.contains(start)) {
                cancel.check()?;
                let (values, found) = (&mut *values, &mut *found);
                level.run(Fill {
                    ground,
                    group,
                    start,
                    values,
                    pitch,
                    found,
                });
            }
            Ok(())
        })?;
        table.mirror(alike, cancel)?;
        Ok(Some(table))
    }

    /// Above the diagonal what is below it, for the first `alike` candidates.
    fn mirror(&mut self, alike: usize, cancel: &Cancel) -> Result<()> {
        let pitch = self.pitch;
        for end in (CHUNK..alike).step_by(CHUNK) {
            cancel.check()?;
            let (above, below) = self.values.split_at_mut(end * pitch);
            let strips = above[(end - CHUNK) * pitch..].par_chunks_mut(TILE_ROWS * pitch);
            strips.enumerate().for_each(|(strip, above)| {
                let column = end - CHUNK + strip * TILE_ROWS;
                for (tile, below) in
                    (0..(alike - end) / TILE_ROWS).zip(below.chunks(TILE_ROWS * pitch))
                {
                    transpose(below, column, above, end + tile * TILE_ROWS, pitch);
                }
            });
        }
        Ok(())
    }

    fn row(&self, candidate: usize) -> &[f32] {
        &self.values[candidate * self.pitch..(candidate + 1) * self.pitch]
    }

    /// What these candidates add now, summed in the order of `Visit`.
    pub(crate) fn gains(&self, level: Level, ground: &Ground, candidates: &[usize]) -> Vec<f64> {
        let gain = |&candidate: &usize| {
            level.run(Gain {
                similarities: self.row(candidate),
                ground,
            })
        };
        candidates.par_iter().map(gain).collect()
    }

    /// Raise `covered` to the similarities of a candidate.
    pub(crate) fn cover(&self, candidate: usize, covered: &mut [f32]) {
        for (covered, &similarity) in covered.iter_mut().zip(self.row(candidate)) {
            *covered = covered.max(similarity);
        }
    }
}

/// A square of 16 rows and 16 columns from one place to another, turned.
fn transpose(from: &[f32], column: usize, to: &mut [f32], to_column: usize, pitch: usize) {
    let mut turned = [[0.0; TILE_ROWS]; TILE_ROWS];
    for (row, from) in from.chunks(pitch).enumerate() {
        for (turned, &value) in turned.iter_mut().zip(&from[column..column + TILE_ROWS]) {
            turned[row] = value;
        }
    }
    for (to, turned) in to.chunks_mut(pitch).zip(&turned) {
        to[to_column..to_column + TILE_ROWS].copy_from_slice(turned);
    }
}

/// The similarities of a group with one panel of rows, into its part of the table.
struct Fill<'a> {
    ground: &'a Ground,
    group: &'a Group,
    start: usize,
    values: &'a mut [f32],
    pitch: usize,
    /// Room for the similarities.
    found: &'a mut [f32],
}

impl Kernel for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let size = self.group.len() * TILE_ROWS;
        let found = self.found;
        let (rows, similarity) = (&self.ground.rows, self.ground.similarity);
        self.group
            .similarities(s, rows, self.start, similarity, 0..self.group.len(), found);
        let (low, high) = found.split_at(size);
        let each = low
            .chunks_exact(TILE_ROWS)
            .zip(high.chunks_exact(TILE_ROWS));
        for (to, (low, high)) in self.values.chunks_exact_mut(self.pitch).zip(each) {
            to[self.start..self.start + TILE_ROWS].copy_from_slice(low);
            to[self.start + TILE_ROWS..self.start + PANEL_ROWS].copy_from_slice(high);
        }
    }
}

struct Gain<'a> {
    similarities: &'a [f32],
    ground: &'a Ground,
}

impl Kernel for Gain<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f64 {
        let (weights, covered) = (&self.ground.weights, &self.ground.covered);
        let parts = weights.chunks(ROWS).zip(covered.chunks(ROWS));
        let mut total = 0.0;
        for ((weights, covered), similarities) in parts.zip(self.similarities.chunks(ROWS)) {
            total += part(s, weights, covered, &similarities[..weights.len()]);
        }
        total
    }
}

/// `sum weights max(0, similarities - covered)` of at most `ROWS`, a multiple of 16.
#[inline(always)]
fn part<S: Simd>(s: S, weights: &[f32], covered: &[f32], similarities: &[f32]) -> f64 {
    let mut acc = [s.splat(0.0); 4];
    let registers = TILE_ROWS / S::LANES;
    let (weights, covered) = (
        &weights[..similarities.len()],
        &covered[..similarities.len()],
    );
    for start in (0..similarities.len() / TILE_ROWS * TILE_ROWS).step_by(TILE_ROWS) {
        for (register, acc) in acc.iter_mut().take(registers).enumerate() {
            let at = start + register * S::LANES;
            // SAFETY: `at + LANES` is at most the common length of the three slices.
            unsafe {
                let similarity = s.load(similarities.as_ptr().add(at));
                let weight = s.load(weights.as_ptr().add(at));
                let more = s.sub(similarity, s.load(covered.as_ptr().add(at)));
                *acc = s.add(*acc, s.max(s.mul(weight, more), s.splat(0.0)));
            }
        }
    }
    let mut lanes = [0.0; TILE_ROWS];
    for (lanes, &acc) in lanes.chunks_exact_mut(S::LANES).zip(&acc) {
        // SAFETY: the chunk holds `LANES` floats.
        unsafe { s.store(lanes.as_mut_ptr(), acc) };
    }
    sum(&lanes)
}
