//! Rows as bytes, with a bound of what is lost, so that products of bytes bound distances.
//!
//! A row is `scale` times its bytes plus an error. By Cauchy and Schwarz the product of two rows
//! differs from that of their bytes by at most `|error| |other| + (|row| + |error|) |other's
//! error|`: with 384 values about a seventieth of the lengths. What is further from a limit than
//! that needs no other product.

use super::bytes::{Bytes, FOLD, MOST, RAISED, Step, With};
use super::panel::{ABREAST, PANEL_ROWS};
use super::simd::{Kernel, Level, Simd};
use super::vectors::TILE_ROWS;
use super::{Cancel, Result};

/// Adding 1.5 * 2^23 leaves the nearest whole number in the low bits.
const MAGIC: f32 = 12_582_912.0;
/// Beyond, squares may overflow, and nothing is said of a row.
const SAFE: f32 = 1e37;
/// More than underflow can take from a length.
const UNDERFLOW: f32 = 1e-18;
/// More than the share of an error, and of the length, that rounding can take from the error.
const ERROR: (f32, f32) = (1.0 + 1e-4, 1e-6);

/// A row by its bytes; length and error are upper bounds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Near {
    /// The squared length, as it was given.
    pub(crate) norm: f32,
    pub(crate) scale: f32,
    pub(crate) length: f32,
    pub(crate) error: f32,
}

/// A row, whose squared length is given, as bytes, padded with zeros.
struct Shorten<'a> {
    row: &'a [f32],
    norm: f32,
    to: &'a mut [i8],
}

impl Kernel for Shorten<'_> {
    type Output = Near;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> Near {
        let largest = folded(self.row, |most, x| {
            let x = x.abs();
            if x > most { x } else { most }
        });
        let largest = largest.into_iter().fold(0.0, f32::max);
        // So small a row is all error.
        let scale = if largest > 1e-30 {
            largest / 127.0
        } else {
            0.0
        };
        let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        for (to, &x) in self.to.iter_mut().zip(self.row) {
            *to = (x * inverse + MAGIC).to_bits() as i8;
        }
        self.to[self.row.len()..].fill(0);
        let errors = folded(self.row, |sum, x| {
            let gap = x - ((x * inverse + MAGIC) - MAGIC) * scale;
            sum + gap * gap
        });
        let length = self.norm.sqrt() * (1.0 + rounding(self.row.len())) + UNDERFLOW;
        let error = errors.into_iter().sum::<f32>().sqrt() * ERROR.0;
        let (error, known) = (error + length * ERROR.1 + UNDERFLOW, self.norm < SAFE);
        Near {
            norm: self.norm,
            scale,
            length,
            error: if known { error } else { f32::INFINITY },
        }
    }
}

/// Fold values in sixteen lanes.
#[inline(always)]
fn folded(row: &[f32], step: impl Fn(f32, f32) -> f32) -> [f32; TILE_ROWS] {
    let mut lanes = [0.0; TILE_ROWS];
    let parts = row.chunks_exact(TILE_ROWS);
    for (lane, &x) in lanes.iter_mut().zip(parts.remainder()) {
        *lane = step(*lane, x);
    }
    for part in parts {
        for (lane, &x) in lanes.iter_mut().zip(part) {
            *lane = step(*lane, x);
        }
    }
    lanes
}

/// Rows in panels of sixteen, up to a whole number of `PANEL_ROWS`.
#[derive(Debug)]
pub(crate) struct Sketches {
    steps: Vec<Step>,
    /// Steps per panel.
    depth: usize,
    pub(crate) norm: Vec<f32>,
    pub(crate) scale: Vec<f32>,
    pub(crate) error: Vec<f32>,
    /// Length and error together.
    pub(crate) reach: Vec<f32>,
    /// Room for those of one row.
    bytes: Vec<i8>,
}

impl Sketches {
    /// Of rows with their squared lengths, none of more than [`MOST`] values.
    ///
    /// # Errors
    ///
    /// [`super::Error::Cancelled`].
    pub(crate) fn new<'a>(
        rows: impl ExactSizeIterator<Item = (&'a [f32], f32)>,
        dim: usize,
        level: Level,
        cancel: &Cancel,
    ) -> Result<Self> {
        let mut found = Self::empty(rows.len(), dim);
        for (at, (row, norm)) in rows.enumerate() {
            cancel.check()?;
            found.set(at, row, norm, level);
        }
        Ok(found)
    }

    /// So many rows of zeros.
    pub(crate) fn empty(rows: usize, dim: usize) -> Self {
        let (count, depth) = (rows.next_multiple_of(PANEL_ROWS), dim.div_ceil(FOLD));
        let zero = Step([RAISED as u8; FOLD * TILE_ROWS]);
        Self {
            steps: vec![zero; count / TILE_ROWS * depth],
            depth,
            norm: vec![0.0; count],
            scale: vec![0.0; count],
            error: vec![0.0; count],
            reach: vec![0.0; count],
            bytes: vec![0; depth * FOLD],
        }
    }

    /// Make this the row at `at`.
    pub(crate) fn set(&mut self, at: usize, row: &[f32], norm: f32, level: Level) {
        let mut bytes = std::mem::take(&mut self.bytes);
        let to = &mut bytes;
        self.put(at, level.run(Shorten { row, norm, to }), to);
        self.bytes = bytes;
    }

    fn put(&mut self, at: usize, near: Near, bytes: &[i8]) {
        self.norm[at] = near.norm;
        self.scale[at] = near.scale;
        self.error[at] = near.error;
        self.reach[at] = near.length + near.error;
        let steps = &mut self.steps[at / TILE_ROWS * self.depth..][..self.depth];
        let place = at % TILE_ROWS * FOLD;
        for (Step(to), from) in steps.iter_mut().zip(bytes.chunks_exact(FOLD)) {
            for (to, &from) in to[place..place + FOLD].iter_mut().zip(from) {
                *to = from.cast_unsigned() ^ 0x80;
            }
        }
    }

    /// The panel that begins with row `start`, a multiple of 16.
    #[inline(always)]
    pub(crate) fn panel(&self, start: usize) -> &[Step] {
        &self.steps[start / TILE_ROWS * self.depth..][..self.depth]
    }
}

/// Candidates side by side, `ABREAST` at a time, the last ones beside zeros.
#[derive(Debug)]
pub(crate) struct Flock {
    with: Vec<With>,
    depth: usize,
    sums: Vec<[i32; ABREAST]>,
    near: Vec<Near>,
}

/// `ABREAST` candidates.
pub(crate) struct Few<'a> {
    pub(crate) with: &'a [With],
    pub(crate) sums: &'a [i32; ABREAST],
    /// Of those that are there.
    pub(crate) near: &'a [Near],
}

impl Flock {
    /// Of rows as [`Sketches::new`] takes them.
    pub(crate) fn new<'a>(
        rows: impl ExactSizeIterator<Item = (&'a [f32], f32)>,
        dim: usize,
        level: Level,
    ) -> Self {
        let (blocks, depth) = (rows.len().div_ceil(ABREAST), dim.div_ceil(FOLD));
        let mut flock = Self {
            with: vec![[0; FOLD * ABREAST]; blocks * depth],
            depth,
            sums: vec![[0; ABREAST]; blocks],
            near: Vec::with_capacity(rows.len()),
        };
        let to = &mut *vec![0; depth * FOLD];
        for (at, (row, norm)) in rows.enumerate() {
            flock.near.push(level.run(Shorten { row, norm, to }));
            let (block, place) = (at / ABREAST, at % ABREAST);
            flock.sums[block][place] = to.iter().map(|&x| i32::from(x)).sum();
            let with = &mut flock.with[block * depth..][..depth];
            for (with, from) in with.iter_mut().zip(to.chunks_exact(FOLD)) {
                with[place * FOLD..(place + 1) * FOLD].copy_from_slice(from);
            }
        }
        flock
    }

    /// Those from `first`, a multiple of `ABREAST`.
    #[inline(always)]
    pub(crate) fn few(&self, first: usize) -> Few<'_> {
        let block = first / ABREAST;
        Few {
            with: &self.with[block * self.depth..][..self.depth],
            sums: &self.sums[block],
            near: &self.near[first..self.near.len().min(first + ABREAST)],
        }
    }
}

/// The share that rounding can take from a sum of `terms` products, be it fused or not, in
/// whichever order (Higham, "Accuracy and Stability of Numerical Algorithms", 2002, 3.1).
pub(crate) fn rounding(terms: usize) -> f32 {
    (terms + 16) as f32 * f32::EPSILON
}

/// The way to multiply bytes, where it pays and rows are not too long.
pub(crate) fn way(level: Level, dim: usize) -> Option<Bytes> {
    Bytes::of(level).filter(|_| dim <= MOST)
}
