//! Draws in proportion to changing masses, the same for any number of threads.

use super::error::same_length;
use super::hash::keyed_hash;
use super::{Error, Result};
use rayon::prelude::*;

/// Rows whose masses are added up together.
const CHUNK: usize = 1024;

/// A mass per row, at least 0, with the sums of chunks of rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Masses {
    values: Vec<f64>,
    sums: Vec<f64>,
}

impl Masses {
    /// Call from inside a thread pool.
    pub(crate) fn new(values: Vec<f64>) -> Self {
        let sums = values.par_chunks(CHUNK).map(|chunk| chunk.iter().sum());
        Self {
            sums: sums.collect(),
            values,
        }
    }

    pub(crate) fn of(&self, row: usize) -> f64 {
        self.values[row]
    }

    pub(crate) fn total(&self) -> f64 {
        self.sums.iter().sum()
    }

    /// Never draw `row` again.
    pub(crate) fn clear(&mut self, row: usize) {
        self.values[row] = 0.0;
        let chunk = row / CHUNK * CHUNK;
        let end = (chunk + CHUNK).min(self.values.len());
        self.sums[row / CHUNK] = self.values[chunk..end].iter().sum();
    }

    /// The row at `share` (in 0 to 1) of the total; `None` if all masses are 0.
    pub(crate) fn draw(&self, share: f64) -> Option<usize> {
        let (chunk, left) = pick(&self.sums, share * self.total())?;
        let start = chunk * CHUNK;
        let end = (start + CHUNK).min(self.values.len());
        let (row, _) = pick(&self.values[start..end], left)?;
        Some(start + row)
    }
}

/// The place where the running sum passes `left`, and what is left there; the last that is not 0
/// where rounding ends the sum early.
fn pick(masses: &[f64], mut left: f64) -> Option<(usize, f64)> {
    let mut last = None;
    for (at, &mass) in masses.iter().enumerate().filter(|&(_, &mass)| mass > 0.0) {
        if left < mass {
            return Some((at, left));
        }
        left -= mass;
        last = Some((at, mass));
    }
    last
}

/// A stream of numbers in 0 to 1, by counting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Uniform {
    seed: u64,
    step: u64,
}

impl Uniform {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, step: 0 }
    }

    pub(crate) fn next(&mut self) -> f64 {
        self.step += 1;
        (keyed_hash(self.step, self.seed) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// One weight per row, finite and at least 0.
pub(crate) fn check_weights(weights: Option<&[f32]>, rows: usize) -> Result<()> {
    let Some(weights) = weights else {
        return Ok(());
    };
    same_length("weights", rows, weights.len())?;
    let what = "weights";
    if let Some(position) = weights.iter().position(|w| !w.is_finite()) {
        return Err(Error::NotFinite { what, position });
    }
    match weights.iter().position(|&w| w < 0.0) {
        Some(position) => Err(Error::OutOfRange { what, position }),
        None => Ok(()),
    }
}
