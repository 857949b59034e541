//! A linear head, packed for a register-tiled product: four rows by a few classes at a time.

use super::aligned::{Aligned, padded};
use super::error::same_length;
use super::simd::{Kernel, Simd};
use super::vectors::{TILE_ROWS, Tile};
use super::{Error, Result};
use std::array::from_fn;

/// Weights and bias of `classes` linear functions of `dim` values.
#[derive(Debug, Clone)]
pub struct Head {
    classes: usize,
    dim: usize,
    /// `classes` rows of `padded(dim)` values.
    weights: Aligned,
    bias: Vec<f32>,
}

impl Head {
    /// Pack the weights, `classes` rows of `dim` values.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if there is no class, rows are empty or lengths disagree; [`Error::NotFinite`] if a
    /// weight or bias is not finite.
    pub fn new(weights: &[f32], bias: &[f32], dim: usize) -> Result<Self> {
        let classes = bias.len();
        if classes == 0 {
            return Err(Error::Shape {
                what: "classes, at least",
                expected: 1,
                got: 0,
            });
        }
        if dim == 0 {
            return Err(Error::Shape {
                what: "values per row of weights, at least",
                expected: 1,
                got: 0,
            });
        }
        same_length("weights", classes.saturating_mul(dim), weights.len())?;
        finite("weights", weights)?;
        finite("bias", bias)?;
        let wide = padded(dim);
        let mut packed = Aligned::zeros(classes * wide);
        let rows = packed.as_mut_slice().chunks_exact_mut(wide);
        for (to, from) in rows.zip(weights.chunks_exact(dim)) {
            to[..dim].copy_from_slice(from);
        }
        Ok(Self {
            classes,
            dim,
            weights: packed,
            bias: bias.to_vec(),
        })
    }

    /// How many classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Values per vector.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Logits of the 16 rows of `tile` into `out`: class by class, 16 values each.
    ///
    /// The order of additions within a logit is the same for every row and every tile. Meanwhile
    /// the memory at `ahead`, which is needed next, is on its way.
    #[inline(always)]
    pub(crate) fn logits<S: Simd>(&self, s: S, tile: &Tile<'_>, ahead: Ahead, out: &mut [f32]) {
        let rows = self.weights.as_slice();
        products(s, tile, rows, &self.bias, ahead, out);
    }
}

/// Products of the 16 rows of `tile` with each of the padded `rows`, plus its bias: row by row of
/// `rows`, 16 values each. The order of additions is the same for every row and every tile.
#[inline(always)]
pub(super) fn products<S: Simd>(
    s: S,
    tile: &Tile<'_>,
    rows: &[f32],
    bias: &[f32],
    ahead: Ahead,
    out: &mut [f32],
) {
    if rows.is_empty() {
        return;
    }
    let wide = tile.wide();
    let count = bias.len();
    let parts = count.div_ceil(S::TILE);
    let steps = TILE_ROWS / 4 * (wide / S::LANES);
    // At least a line per step, in the first parts only if there are more steps than lines.
    let early = (ahead.lines / steps).clamp(1, parts);
    let per_step = ahead.lines.div_ceil(early * steps).min(4);
    let mut first = 0;
    for part in 0..parts {
        // Even parts: ten rows are five and five, not six and four.
        let end = (part + 1) * count / parts;
        let job = Product {
            tile: *tile,
            weights: &rows[first * wide..end * wide],
            bias: &bias[first..end],
            out: &mut out[first * TILE_ROWS..end * TILE_ROWS],
            ahead: ahead.share(part, early),
            lines: per_step,
        };
        match end - first {
            1 => s.call(Sized::<1>(job)),
            2 => s.call(Sized::<2>(job)),
            3 => s.call(Sized::<3>(job)),
            4 => s.call(Sized::<4>(job)),
            5 => s.call(Sized::<5>(job)),
            _ => s.call(Sized::<6>(job)),
        }
        first = end;
    }
}

fn finite(what: &'static str, values: &[f32]) -> Result<()> {
    let bad = values.iter().position(|x| !x.is_finite());
    bad.map_or(Ok(()), |position| Err(Error::NotFinite { what, position }))
}

/// The classes of one register tile.
struct Product<'a> {
    tile: Tile<'a>,
    weights: &'a [f32],
    bias: &'a [f32],
    out: &'a mut [f32],
    ahead: Ahead,
    /// Lines to ask for per step of the loop.
    lines: usize,
}

/// A product of `C` classes; `out[c * 16 + r]` becomes row `r` times class `c`.
struct Sized<'a, const C: usize>(Product<'a>);

impl<const C: usize> Kernel for Sized<'_, C> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let job = self.0;
        let wide = job.tile.wide();
        let weights: [&[f32]; C] = from_fn(|c| &job.weights[c * wide..(c + 1) * wide]);
        let groups = TILE_ROWS / 4;
        let lines = if job.ahead.lines > 0 { job.lines } else { 0 };
        let mut ahead = job.ahead.from;
        for group in 0..groups {
            let rows = job.tile.four(group * 4);
            let acc = four_rows(s, rows, weights, &mut ahead, lines);
            for (c, acc) in acc.into_iter().enumerate() {
                let at = c * TILE_ROWS + group * 4;
                let sums = s.sums(acc).map(|sum| sum + job.bias[c]);
                job.out[at..at + 4].copy_from_slice(&sums);
            }
        }
    }
}

#[inline(always)]
fn four_rows<S: Simd, const C: usize>(
    s: S,
    rows: [&[f32]; 4],
    weights: [&[f32]; C],
    ahead: &mut *const u8,
    lines: usize,
) -> [[S::V; 4]; C] {
    let wide = rows[0].len();
    let rows = rows.map(|row| row[..wide].as_ptr());
    let weights = weights.map(|row| row[..wide].as_ptr());
    let mut acc = [[s.splat(0.0); 4]; C];
    for at in (0..wide).step_by(S::LANES) {
        if lines > 0 {
            s.prefetch(*ahead);
        }
        if lines > 1 {
            s.prefetch(ahead.wrapping_add(LINE_BYTES));
        }
        if lines > 2 {
            s.prefetch(ahead.wrapping_add(2 * LINE_BYTES));
            s.prefetch(ahead.wrapping_add(3 * LINE_BYTES));
        }
        *ahead = ahead.wrapping_add(lines * LINE_BYTES);
        // SAFETY: rows and weights have `wide` values each (checked by the slicing above), which
        // is a multiple of `LANES`, as is the smaller `at`.
        unsafe {
            // Weights stay in registers; each row is loaded, used and forgotten.
            let w = weights.map(|weights| s.load(weights.add(at)));
            for (r, row) in rows.into_iter().enumerate() {
                let x = s.load(row.add(at));
                for (acc, w) in acc.iter_mut().zip(w) {
                    acc[r] = s.fma(x, w, acc[r]);
                }
            }
        }
    }
    acc
}

const LINE_BYTES: usize = 64;

/// Memory that will be read soon; only a hint, never dereferenced.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ahead {
    pub(crate) from: *const u8,
    pub(crate) lines: usize,
}

impl Ahead {
    /// Nothing.
    pub(crate) const NONE: Self = Self {
        from: std::ptr::null(),
        lines: 0,
    };

    /// The even share of part `part` of `parts`, nothing past the last.
    fn share(self, part: usize, parts: usize) -> Self {
        let end = |part: usize| part.min(parts) * self.lines / parts;
        Self {
            from: self.from.wrapping_add(end(part) * LINE_BYTES),
            lines: end(part + 1) - end(part),
        }
    }
}
