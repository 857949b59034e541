//! Rows in the coordinates in which a given inverse matrix is the identity.
//!
//! With `M^-1 = L L'` the row `x` of weight `w` becomes `y = sqrt(w) L' x`, so that
//! `w x' M^-1 x = |y|^2`: a sum of squares, which does not cancel in single precision as the
//! quadratic form does where `M^-1` has large entries.

use super::aligned::{Aligned, padded};
use super::error::same_length;
use super::head::{Ahead, products};
use super::masses::check_weights;
use super::simd::{Kernel, Simd};
use super::square::Square;
use super::vectors::{TILE_ROWS, Tile, Values, Vectors};
use super::{Cancel, Engine, Error, Result};
use rayon::prelude::*;

/// Rows that one thread takes at a time.
pub(crate) const ROWS: usize = 256;
/// Columns of a matrix to multiply with at a time: with their rows they fit the cache.
const COLUMNS: usize = 96;

/// Check vectors (n, d) and their weights (n,), finite and not negative; gives n.
pub(crate) fn check_rows(
    engine: &Engine,
    values: &[f32],
    weights: &[f32],
    dim: usize,
) -> Result<()> {
    if dim == 0 {
        return Err(Error::Shape {
            what: "values per row, at least",
            expected: 1,
            got: 0,
        });
    }
    let vectors = Vectors::new(Values::F32(values), weights.len(), dim)?;
    let what = "vectors (row)";
    if let Some(position) = vectors.first_nonfinite(engine.level()) {
        return Err(Error::NotFinite { what, position });
    }
    check_weights(Some(weights), weights.len())
}

/// Rows of f32, padded.
#[derive(Debug)]
pub(crate) struct Whitened {
    pub(crate) values: Aligned,
    pub(crate) rows: usize,
    pub(crate) dim: usize,
    pub(crate) wide: usize,
}

impl Whitened {
    /// `sqrt(w) L' x` for every row; `lower` is `L`. Arguments were checked.
    pub(crate) fn new(
        engine: &Engine,
        values: &[f32],
        weights: &[f32],
        lower: &Square,
        cancel: &Cancel,
    ) -> Result<Self> {
        let (dim, rows) = (lower.dim(), weights.len());
        same_length("values of the vectors", rows * dim, values.len())?;
        let wide = padded(dim);
        let mut white = Self {
            values: Aligned::zeros(rows * wide),
            rows,
            dim,
            wide,
        };
        let matrix = Packed::new(&lower.transposed());
        let out = &mut white.values.as_mut_slice()[..rows * wide];
        out.par_chunks_mut(ROWS * wide)
            .enumerate()
            .try_for_each_init(Aligned::default, |scratch, (part, out)| {
                cancel.check()?;
                let (start, count) = (part * ROWS, out.len() / wide);
                let from = Values::F32(&values[start * dim..(start + count) * dim]);
                let from = &Vectors::new(from, count, dim)?;
                let matrix = &matrix;
                engine.level().run(Map {
                    from,
                    matrix,
                    scratch,
                    out,
                });
                for (out, weight) in out.chunks_exact_mut(wide).zip(&weights[start..]) {
                    let root = weight.sqrt();
                    for x in out {
                        *x *= root;
                    }
                }
                Ok(())
            })?;
        Ok(white)
    }

    /// Row `row` in double precision.
    pub(crate) fn row(&self, row: usize) -> Vec<f64> {
        let at = row * self.wide;
        let values = &self.values.as_slice()[at..at + self.dim];
        values.iter().copied().map(f64::from).collect()
    }

    /// The part of rows from `start`.
    pub(crate) fn part(&self, start: usize, count: usize) -> &[f32] {
        &self.values.as_slice()[start * self.wide..(start + count) * self.wide]
    }

    /// `|y|^2` of every row.
    pub(crate) fn squares(&self) -> Vec<f64> {
        let rows = 0..self.rows;
        rows.into_par_iter()
            .map(|row| self.part(row, 1))
            .map(|row| product(row, row))
            .collect()
    }

    /// `y' G y` of every row.
    pub(crate) fn forms(
        &self,
        engine: &Engine,
        matrix: &Square,
        cancel: &Cancel,
    ) -> Result<Vec<f64>> {
        let matrix = Packed::new(matrix);
        let mut forms = vec![0.0; self.rows];
        forms.par_chunks_mut(ROWS).enumerate().try_for_each_init(
            || (Aligned::default(), vec![0.0; ROWS * self.wide]),
            |(scratch, out), (part, forms)| {
                cancel.check()?;
                let rows = self.part(part * ROWS, forms.len());
                let from = &Vectors::new(Values::F32(rows), forms.len(), self.wide)?;
                let out = &mut out[..rows.len()];
                let matrix = &matrix;
                engine.level().run(Map {
                    from,
                    matrix,
                    scratch,
                    out,
                });
                let pairs = rows
                    .chunks_exact(self.wide)
                    .zip(out.chunks_exact(self.wide));
                for (form, (y, z)) in forms.iter_mut().zip(pairs) {
                    *form = product(y, z);
                }
                Ok(())
            },
        )?;
        Ok(forms)
    }
}

/// Padded rows multiplied in double precision.
fn product(a: &[f32], b: &[f32]) -> f64 {
    let mut acc = [0.0; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for lane in 0..8 {
            acc[lane] += f64::from(a[lane]) * f64::from(b[lane]);
        }
    }
    acc.iter().sum()
}

/// A matrix in single precision, rows padded.
struct Packed {
    values: Aligned,
    zeros: Vec<f32>,
    wide: usize,
}

impl Packed {
    fn new(matrix: &Square) -> Self {
        let (dim, wide) = (matrix.dim(), padded(matrix.dim()));
        let mut values = Aligned::zeros(dim * wide);
        let rows = values.as_mut_slice().chunks_exact_mut(wide);
        for (row, to) in (0..dim).zip(rows) {
            for (to, &from) in to.iter_mut().zip(matrix.row(row)) {
                *to = from as f32;
            }
        }
        Self {
            values,
            zeros: vec![0.0; dim],
            wide,
        }
    }
}

/// The matrix times each row.
struct Map<'a> {
    from: &'a Vectors<'a>,
    matrix: &'a Packed,
    scratch: &'a mut Aligned,
    /// Rows of `matrix.wide`.
    out: &'a mut [f32],
}

impl Kernel for Map<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Packed {
            values,
            zeros,
            wide,
        } = self.matrix;
        let (wide, dim) = (*wide, zeros.len());
        let mut found = Aligned::zeros(COLUMNS * TILE_ROWS);
        for start in (0..self.from.rows()).step_by(TILE_ROWS) {
            let count = TILE_ROWS.min(self.from.rows() - start);
            let tile: Tile<'_> = self.from.tile(s, start, count, self.scratch);
            for first in (0..dim).step_by(COLUMNS) {
                let end = dim.min(first + COLUMNS);
                let rows = &values.as_slice()[first * wide..end * wide];
                let found = &mut found.as_mut_slice()[..(end - first) * TILE_ROWS];
                products(s, &tile, rows, &zeros[first..end], Ahead::NONE, found);
                for row in 0..count {
                    let out = &mut self.out[(start + row) * wide + first..][..end - first];
                    for (out, found) in out.iter_mut().zip(found.chunks_exact(TILE_ROWS)) {
                        *out = found[row];
                    }
                }
            }
        }
    }
}
