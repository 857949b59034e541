//! One pass over the rows with a group of candidates: what each would add and, on demand, its
//! column of the similarities that still matter.

use super::aligned::Aligned;
use super::panel::PANEL_ROWS;
use super::simd::{Kernel, Simd};
use super::similarity::{Compared, Group, Similarity};
use super::vectors::TILE_ROWS;

/// Rows whose gains are added in single precision before they join a sum in double precision.
pub(crate) const ROWS: usize = 256;

/// The rows, padded to whole panels with rows that weigh nothing.
pub(crate) struct Ground {
    pub(crate) rows: Compared,
    pub(crate) weights: Vec<f32>,
    pub(crate) covered: Vec<f32>,
    pub(crate) similarity: Similarity,
}

/// The similarities of a candidate that exceed what covers the row, where the row has weight.
#[derive(Debug, Default)]
pub(crate) struct Column {
    /// How many in each part of `ROWS` rows.
    counts: Vec<u16>,
    /// Which rows of their part.
    within: Vec<u8>,
    values: Vec<f32>,
}

impl Column {
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// Append a tile's similarities to the last part.
    #[inline(always)]
    fn push(&mut self, at: usize, similarities: &[f32], weights: &[f32], covered: &[f32]) {
        let (mut within, mut values) = ([0_u8; TILE_ROWS], [0.0_f32; TILE_ROWS]);
        let mut count = 0;
        for row in 0..TILE_ROWS {
            let similarity = similarities[row];
            within[count % TILE_ROWS] = (at + row) as u8;
            values[count % TILE_ROWS] = similarity;
            count += usize::from(similarity > covered[row] && weights[row] > 0.0);
        }
        if count > 0 {
            self.within.extend_from_slice(&within[..count]);
            self.values.extend_from_slice(&values[..count]);
            if let Some(last) = self.counts.last_mut() {
                *last += count as u16;
            }
        }
    }

    /// What the candidate adds now, summed in the order of `Visit`. Forgets what no longer
    /// matters.
    pub(crate) fn gain(&mut self, ground: &Ground) -> f64 {
        let (mut total, mut read, mut kept) = (0.0, 0, 0);
        let parts = ground.weights.chunks(ROWS).zip(ground.covered.chunks(ROWS));
        for (count, (weights, covered)) in self.counts.iter_mut().zip(parts) {
            let mut lanes = [0.0_f32; TILE_ROWS];
            let (end, before) = (read + usize::from(*count), kept);
            for from in read..end {
                let (within, value) = (self.within[from], self.values[from]);
                let row = usize::from(within);
                let more = value - covered[row];
                lanes[row % TILE_ROWS] += (weights[row] * more).max(0.0);
                self.within[kept] = within;
                self.values[kept] = value;
                kept += usize::from(more > 0.0);
            }
            read = end;
            *count = (kept - before) as u16;
            total += sum(&lanes);
        }
        self.within.truncate(kept);
        self.values.truncate(kept);
        if 2 * kept < self.values.capacity() {
            self.shrink();
        }
        total
    }

    /// Give back memory beyond what is there.
    pub(crate) fn shrink(&mut self) {
        self.within.shrink_to_fit();
        self.values.shrink_to_fit();
    }

    /// Raise `covered` to the similarities.
    pub(crate) fn cover(&self, covered: &mut [f32]) {
        let mut from = 0;
        for (&count, covered) in self.counts.iter().zip(covered.chunks_mut(ROWS)) {
            let end = from + usize::from(count);
            for (&within, &value) in self.within[from..end].iter().zip(&self.values[from..end]) {
                let covered = &mut covered[usize::from(within)];
                *covered = covered.max(value);
            }
            from = end;
        }
    }
}

/// What a thread needs beside: similarities of a tile, and sums by lane.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    similarities: Aligned,
    lanes: Aligned,
}

/// A group of candidates with rows `start..end`, at most `ROWS`; adds to the totals and, if they
/// are wanted, appends to the columns.
pub(crate) struct Visit<'a> {
    pub(crate) ground: &'a Ground,
    pub(crate) group: &'a Group,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) scratch: &'a mut Scratch,
    pub(crate) totals: &'a mut [f64],
    pub(crate) columns: &'a mut [Column],
}

impl Kernel for Visit<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let size = self.group.len() * TILE_ROWS;
        let Scratch {
            similarities,
            lanes,
        } = self.scratch;
        similarities.grow(2 * size);
        lanes.grow(size);
        let similarities = &mut similarities.as_mut_slice()[..2 * size];
        let lanes = &mut lanes.as_mut_slice()[..size];
        lanes.fill(0.0);
        for column in &mut *self.columns {
            column.counts.push(0);
        }
        for start in (self.start..self.end).step_by(PANEL_ROWS) {
            let (rows, similarity) = (&self.ground.rows, self.ground.similarity);
            self.group.similarities(
                s,
                rows,
                start,
                similarity,
                0..self.group.len(),
                similarities,
            );
            let tiles = (start..self.end).step_by(TILE_ROWS);
            for (similarities, start) in similarities.chunks_exact(size).zip(tiles) {
                let span = start..start + TILE_ROWS;
                let weights = &self.ground.weights[span.clone()];
                let covered = &self.ground.covered[span];
                let each = similarities.chunks_exact(TILE_ROWS);
                for (similarities, lanes) in each.clone().zip(lanes.chunks_exact_mut(TILE_ROWS)) {
                    add(s, similarities, weights, covered, lanes);
                }
                for (similarities, column) in each.zip(&mut *self.columns) {
                    column.push(start - self.start, similarities, weights, covered);
                }
            }
        }
        for (lanes, total) in lanes.chunks_exact(TILE_ROWS).zip(self.totals) {
            *total += sum(lanes);
        }
    }
}

pub(crate) fn sum(lanes: &[f32]) -> f64 {
    lanes.iter().map(|&x| f64::from(x)).sum()
}

/// `lanes += weights max(0, similarities - covered)`.
#[inline(always)]
fn add<S: Simd>(s: S, similarities: &[f32], weights: &[f32], covered: &[f32], lanes: &mut [f32]) {
    for at in (0..TILE_ROWS).step_by(S::LANES) {
        let span = at..at + S::LANES;
        let from = [similarities, weights, covered].map(|values| values[span.clone()].as_ptr());
        let lanes = &mut lanes[span];
        // SAFETY: all four are slices of `LANES` floats.
        unsafe {
            let [similarity, weight, covered] = from.map(|from| s.load(from));
            let more = s.mul(weight, s.sub(similarity, covered));
            let more = s.max(more, s.splat(0.0));
            s.store(lanes.as_mut_ptr(), s.add(s.load(lanes.as_ptr()), more));
        }
    }
}
