//! Products and distances of rows with many other rows, 16 by up to 256 at a time.
//!
//! [`Packed::dots`] is the register-tiled product of a linear head, for any matrix. Squared
//! distances come in two steps: `|a|^2 + |b|^2 - 2ab` less everything that rounding may have
//! added is a lower bound from which most pairs are decided; the few that matter are computed as
//! direct differences ([`squared`]), which do not cancel for near-duplicates. So every distance
//! that leaves a kernel is a direct difference, whatever the path that led to it.

use super::aligned::{Aligned, padded};
use super::head::{Ahead, products};
use super::simd::{Kernel, Level, Simd};
use super::vectors::{TILE_ROWS, Tile, Values, Vectors};
use super::{Error, Result};
use std::ops::Range;

/// Rows of a [`Packed`] per visit: with 16 others their products stay in the first cache. A
/// multiple of what a product of bytes takes at a time.
pub(crate) const BLOCK_ROWS: usize = 252;

static NO_BIAS: [f32; BLOCK_ROWS] = [0.0; BLOCK_ROWS];

/// Rows of f32, padded to a multiple of 16 values, with their squared norms.
#[derive(Debug)]
pub(crate) struct Packed<'a> {
    values: Held<'a>,
    norms: Vec<f32>,
    wide: usize,
}

#[derive(Debug)]
enum Held<'a> {
    Borrowed(&'a [f32]),
    Owned(Aligned),
}

impl<'a> Packed<'a> {
    /// Rows as they are where they need no padding, else a copy.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] for rows without values; [`Error::NotFinite`] with the first row that
    /// holds a NaN or an infinity.
    pub(crate) fn new(what: &'static str, vectors: &Vectors<'a>, level: Level) -> Result<Self> {
        let wide = checked_rows(what, vectors, level)?;
        let values = match vectors.values() {
            Values::F32(values) if wide == vectors.dim() => Held::Borrowed(values),
            _ => Held::Owned(packed(vectors, wide)),
        };
        let mut packed = Self {
            values,
            norms: vec![0.0; vectors.rows()],
            wide,
        };
        packed.norms = level.run(Norms(&packed));
        Ok(packed)
    }

    /// No rows yet, of `dim` values.
    pub(crate) fn empty(dim: usize) -> Self {
        Self {
            values: Held::Owned(Aligned::default()),
            norms: Vec::new(),
            wide: padded(dim),
        }
    }

    /// One more row, which need not be finite: then nothing is known of its distances.
    pub(crate) fn push(&mut self, vectors: &Vectors<'_>, row: usize, level: Level) {
        let (start, end) = (self.rows() * self.wide, (self.rows() + 1) * self.wide);
        if let Held::Owned(values) = &mut self.values {
            values.grow(end);
            vectors.copy_row(row, &mut values.as_mut_slice()[start..end]);
            let norm = level.run(Norm(&values.as_slice()[start..end]));
            self.norms.push(norm);
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.norms.len()
    }

    /// Values per row, padded.
    pub(crate) fn wide(&self) -> usize {
        self.wide
    }

    /// The squared length of a row.
    pub(crate) fn norm(&self, row: usize) -> f32 {
        self.norms[row]
    }

    #[inline(always)]
    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.all()[row * self.wide..(row + 1) * self.wide]
    }

    #[inline(always)]
    fn all(&self) -> &[f32] {
        match &self.values {
            Held::Borrowed(values) => values,
            Held::Owned(values) => values.as_slice(),
        }
    }

    /// Ranges of at most [`BLOCK_ROWS`] rows.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let rows = self.rows();
        let starts = (0..rows).step_by(BLOCK_ROWS);
        starts.map(move |start| start..(start + BLOCK_ROWS).min(rows))
    }

    /// Products of the 16 rows of `tile` with rows `span` (at most [`BLOCK_ROWS`]):
    /// `out[c * 16 + r]` is row `r` of the tile times row `span.start + c`.
    #[inline(always)]
    pub(crate) fn dots<S: Simd>(&self, s: S, tile: &Tile<'_>, span: Range<usize>, out: &mut [f32]) {
        let rows = &self.all()[span.start * self.wide..span.end * self.wide];
        let out = &mut out[..span.len() * TILE_ROWS];
        products(s, tile, rows, &NO_BIAS[..span.len()], Ahead::NONE, out);
    }

    /// As [`Packed::dots`], but lower bounds of the squared distances, at least 0; never above
    /// what [`squared`] computes. `norms` are those of the tile's rows.
    #[inline(always)]
    pub(crate) fn lower<S: Simd>(
        &self,
        s: S,
        tile: &Tile<'_>,
        norms: &[f32; TILE_ROWS],
        span: Range<usize>,
        out: &mut [f32],
    ) {
        self.dots(s, tile, span.clone(), out);
        let (keep, minus_two) = (s.splat(1.0 - slack::<S>(self.wide)), s.splat(-2.0));
        let (zero, safe, tiny) = (s.splat(0.0), s.splat(SAFE), s.splat(-UNDERFLOW));
        for (out, &norm) in out.chunks_exact_mut(TILE_ROWS).zip(&self.norms[span]) {
            let norm = s.splat(norm);
            for (out, mine) in out
                .chunks_exact_mut(S::LANES)
                .zip(norms.chunks_exact(S::LANES))
            {
                // SAFETY: both chunks hold exactly `LANES` floats.
                unsafe {
                    let both = s.add(s.load(mine.as_ptr()), norm);
                    let most = s.fma(both, keep, tiny);
                    let low = s.fma(s.load(out.as_ptr()), minus_two, most);
                    // Where squares may overflow nothing is known.
                    let low = s.select_gt(safe, both, low, zero);
                    s.store(out.as_mut_ptr(), s.max(low, zero));
                }
            }
        }
    }
}

/// Norms below this cannot make a product overflow.
const SAFE: f32 = 1e37;
/// More than underflow can take from a sum of squares.
const UNDERFLOW: f32 = 1e-36;

/// The share of `|a|^2 + |b|^2` that rounding can make of the difference between a squared
/// distance by products and one by direct differences.
///
/// Each lane adds up `wide / LANES` products and the lanes are added in a few steps, so that the
/// error of a product, a norm or a sum of squares is at most `(wide / LANES + 8) 2^-24` of the sum
/// of the absolute terms (Higham, "Accuracy and Stability of Numerical Algorithms", 2002, 3.1).
/// Twice the product, two norms and the squares of the differences make four of these, and
/// portable code rounds twice per step.
fn slack<S: Simd>(wide: usize) -> f32 {
    let steps = (wide / S::LANES + 8) as f32;
    10.0 * steps * (f32::EPSILON / 2.0)
}

fn checked_rows(what: &'static str, vectors: &Vectors<'_>, level: Level) -> Result<usize> {
    if vectors.dim() == 0 {
        return Err(Error::Shape {
            what: "values per row, at least",
            expected: 1,
            got: 0,
        });
    }
    match vectors.first_nonfinite(level) {
        Some(position) => Err(Error::NotFinite { what, position }),
        None => Ok(padded(vectors.dim())),
    }
}

fn packed(vectors: &Vectors<'_>, wide: usize) -> Aligned {
    let mut packed = Aligned::zeros(wide * vectors.rows());
    let rows = packed.as_mut_slice().chunks_exact_mut(wide);
    for (row, to) in (0..vectors.rows()).zip(rows) {
        vectors.copy_row(row, to);
    }
    packed
}

struct Norm<'a>(&'a [f32]);

impl Kernel for Norm<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        squared_norm(s, self.0)
    }
}

struct Norms<'a, 'p>(&'a Packed<'p>);

impl Kernel for Norms<'_, '_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Vec<f32> {
        let rows = 0..self.0.rows();
        rows.map(|row| squared_norm(s, self.0.row(row))).collect()
    }
}

/// Squared norms of the rows of a tile.
#[inline(always)]
pub(crate) fn tile_norms<S: Simd>(s: S, tile: &Tile<'_>) -> [f32; TILE_ROWS] {
    let mut norms = [0.0; TILE_ROWS];
    for (group, norms) in norms.chunks_exact_mut(4).enumerate() {
        let rows = tile.four(group * 4);
        norms.copy_from_slice(&folded(s, rows, |acc, x, _| s.fma(x, x, acc)));
    }
    norms
}

#[inline(always)]
fn squared_norm<S: Simd>(s: S, row: &[f32]) -> f32 {
    folded(s, [row; 1], |acc, x, _| s.fma(x, x, acc))[0]
}

/// The squared distance of two padded rows by direct differences; finite even where the squares
/// overflow.
#[inline(always)]
pub(crate) fn squared<S: Simd>(s: S, a: &[f32], b: &[f32]) -> f32 {
    let [sum] = folded(s, [a], |acc, x, at| {
        // SAFETY: `folded` hands out places with `LANES` values left; the slice below checks
        // that `b` is as long as `a`.
        let gap = s.sub(x, unsafe { s.load(b[..a.len()].as_ptr().add(at)) });
        s.fma(gap, gap, acc)
    });
    sum.min(f32::MAX)
}

/// Fold each row, register by register; the same order for one row as for four.
#[inline(always)]
fn folded<S: Simd, const R: usize>(
    s: S,
    rows: [&[f32]; R],
    step: impl Fn(S::V, S::V, usize) -> S::V,
) -> [f32; R] {
    let wide = rows[0].len();
    let rows = rows.map(|row| row[..wide].as_ptr());
    let mut acc = [s.splat(0.0); 4];
    for at in (0..wide / S::LANES * S::LANES).step_by(S::LANES) {
        for (acc, row) in acc.iter_mut().zip(rows) {
            // SAFETY: every row has `wide` values and `at + LANES` is at most that.
            *acc = step(*acc, unsafe { s.load(row.add(at)) }, at);
        }
    }
    let sums = s.sums(acc);
    std::array::from_fn(|row| sums[row])
}
