//! The sum of the outer products of rows with themselves.

use super::aligned::Aligned;
use super::head::{Ahead, products};
use super::simd::{Kernel, Simd};
use super::vectors::{TILE_ROWS, Tile};
use super::whitened::{ROWS, check_rows};
use super::{Cancel, Engine, Result};
use rayon::prelude::*;

impl Engine {
    /// `X' diag(w) X` of vectors (n, d) and weights (n,): (d, d).
    ///
    /// # Errors
    ///
    /// As [`Engine::max_det`]; weights may be negative.
    pub fn outer_sum(
        &self,
        vectors: &[f32],
        weights: &[f32],
        dim: usize,
        cancel: &Cancel,
    ) -> Result<Vec<f64>> {
        let absolute: Vec<f32> = weights.iter().map(|w| w.abs()).collect();
        check_rows(self, vectors, &absolute, dim)?;
        let mut sum = vec![0.0; dim * dim];
        self.install(|| {
            let rows = vectors.chunks(ROWS * dim).zip(weights.chunks(ROWS));
            for (vectors, weights) in rows {
                cancel.check()?;
                let (plain, weighted) = columns(vectors, weights, dim);
                let both = (&plain, &weighted);
                let parts = sum.par_chunks_mut(TILE_ROWS * dim).enumerate();
                parts.for_each(|(part, sum)| {
                    self.level().run(Outer(both, part * TILE_ROWS, sum));
                });
            }
            Ok(())
        })?;
        for row in 0..dim {
            for column in 0..row {
                sum[row * dim + column] = sum[column * dim + row];
            }
        }
        Ok(sum)
    }
}

/// The columns of up to `ROWS` vectors, plain and weighted, each padded to `ROWS`.
fn columns(vectors: &[f32], weights: &[f32], dim: usize) -> (Aligned, Aligned) {
    let (mut plain, mut weighted) = (Aligned::zeros(dim * ROWS), Aligned::zeros(dim * ROWS));
    let (to_plain, to_weighted) = (plain.as_mut_slice(), weighted.as_mut_slice());
    for (row, (vector, weight)) in vectors.chunks_exact(dim).zip(weights).enumerate() {
        for (column, value) in vector.iter().enumerate() {
            to_plain[column * ROWS + row] = *value;
            to_weighted[column * ROWS + row] = value * weight;
        }
    }
    (plain, weighted)
}

/// Products of 16 columns from the given one with those from there on, added to their rows.
struct Outer<'a>((&'a Aligned, &'a Aligned), usize, &'a mut [f64]);

impl Kernel for Outer<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self((plain, weighted), first, sum) = self;
        let dim = plain.as_slice().len() / ROWS;
        let count = TILE_ROWS.min(dim - first);
        let tile = Tile::new(
            &plain.as_slice()[first * ROWS..(first + count) * ROWS],
            ROWS,
            count,
        );
        let others = &weighted.as_slice()[first * ROWS..dim * ROWS];
        let zeros = vec![0.0; dim - first];
        let mut found = vec![0.0; (dim - first) * TILE_ROWS];
        products(s, &tile, others, &zeros, Ahead::NONE, &mut found);
        for (row, sum) in sum.chunks_exact_mut(dim).enumerate() {
            for (sum, found) in sum[first..].iter_mut().zip(found.chunks_exact(TILE_ROWS)) {
                *sum += f64::from(found[row]);
            }
        }
    }
}
