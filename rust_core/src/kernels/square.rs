//! The few operations on square matrices in double precision that experimental design needs.

use super::error::same_length;
use super::{Error, Result};
use rayon::prelude::*;

/// A symmetric matrix, or the lower triangle of one, row after row.
#[derive(Debug, Clone)]
pub(crate) struct Square {
    dim: usize,
    values: Vec<f64>,
}

impl Square {
    /// # Errors
    ///
    /// [`Error::Shape`] if `values` is not `dim` by `dim`; [`Error::NotFinite`].
    pub(crate) fn new(what: &'static str, values: &[f64], dim: usize) -> Result<Self> {
        same_length(what, dim.saturating_mul(dim), values.len())?;
        if let Some(position) = values.iter().position(|x| !x.is_finite()) {
            return Err(Error::NotFinite { what, position });
        }
        Ok(Self {
            dim,
            values: values.to_vec(),
        })
    }

    pub(crate) fn identity(dim: usize) -> Self {
        let mut values = vec![0.0; dim * dim];
        values.iter_mut().step_by(dim + 1).for_each(|x| *x = 1.0);
        Self { dim, values }
    }

    pub(crate) fn dim(&self) -> usize {
        self.dim
    }

    pub(crate) fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.dim..(row + 1) * self.dim]
    }

    /// The lower triangle `L` with `L L' = self`.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfRange`] if the matrix is not positive definite.
    pub(crate) fn cholesky(&self, what: &'static str) -> Result<Self> {
        let dim = self.dim;
        let mut lower = vec![0.0; dim * dim];
        for row in 0..dim {
            let (done, rest) = lower.split_at_mut(row * dim);
            let this = &mut rest[..dim];
            for column in 0..row {
                let other = &done[column * dim..column * dim + dim];
                let known = dot(&this[..column], &other[..column]);
                this[column] = (self.values[row * dim + column] - known) / other[column];
            }
            let square = self.values[row * dim + row] - dot(&this[..row], &this[..row]);
            if square.is_nan() || square <= 0.0 {
                let position = row * dim + row;
                return Err(Error::OutOfRange { what, position });
            }
            this[row] = square.sqrt();
        }
        Ok(Self { dim, values: lower })
    }

    pub(crate) fn transposed(&self) -> Self {
        let dim = self.dim;
        let at = |place: usize| self.values[place % dim * dim + place / dim];
        Self {
            dim,
            values: (0..dim * dim).map(at).collect(),
        }
    }

    /// `self * other`.
    pub(crate) fn times(&self, other: &Self) -> Self {
        let dim = self.dim;
        let mut values = vec![0.0; dim * dim];
        values
            .par_chunks_mut(dim.max(1))
            .enumerate()
            .for_each(|(row, out)| {
                for (&factor, from) in self.row(row).iter().zip(other.values.chunks_exact(dim)) {
                    if factor != 0.0 {
                        add(factor, from, out);
                    }
                }
            });
        Self { dim, values }
    }

    /// `self * vector`.
    pub(crate) fn apply(&self, vector: &[f64]) -> Vec<f64> {
        let rows = self.values.chunks_exact(self.dim.max(1));
        rows.map(|row| dot(row, vector)).collect()
    }

    /// `self += factor * vector vector'`.
    pub(crate) fn rank_one(&mut self, factor: f64, vector: &[f64]) {
        let rows = self.values.chunks_exact_mut(self.dim.max(1));
        for (row, &x) in rows.zip(vector) {
            add(factor * x, vector, row);
        }
    }
}

/// `out += factor * from`.
fn add(factor: f64, from: &[f64], out: &mut [f64]) {
    for (out, from) in out.iter_mut().zip(from) {
        *out += factor * from;
    }
}

/// Eight sums side by side, so that they vectorise.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (mut a, mut b) = (a.chunks_exact(8), b.chunks_exact(8));
    let mut acc = [0.0; 8];
    for (a, b) in a.by_ref().zip(b.by_ref()) {
        for lane in 0..8 {
            acc[lane] += a[lane] * b[lane];
        }
    }
    let rest = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b);
    acc.iter().sum::<f64>() + rest.sum::<f64>()
}
