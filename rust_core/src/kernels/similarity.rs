//! How alike candidates and rows are, a panel of rows by a group of candidates at a time.

use super::aligned::padded;
use super::panel::{Abreast, PANEL_ROWS, Panels};
use super::product::squared;
use super::simd::math::{LOWEST, exp};
use super::simd::{Kernel, Simd};
use super::vectors::{TILE_ROWS, Values, Vectors};
use super::{Cancel, Engine, Error, Result};
use std::ops::Range;

/// Below this share of `|x|^2 + |y|^2`, `|x|^2 + |y|^2 - 2xy` has lost its digits to cancellation.
const CANCELLED: f32 = 1e-4;

/// A function of two vectors that is never negative and the same both ways round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Similarity {
    /// `exp(-|x - y|^2 / scale^2)`.
    Rbf {
        /// `1 / scale^2`.
        inverse: f32,
    },
    /// 1 where `|x - y| <= scale`, else 0.
    Ball {
        /// `scale^2`.
        squared: f32,
    },
    /// `max(0, xy)`.
    Dot,
}

impl Similarity {
    /// One by its name: `rbf`, `ball` or `dot`, which knows no scale.
    ///
    /// # Errors
    ///
    /// [`Error::Unknown`] if there is none of this name; [`Error::OutOfRange`] if the scale is
    /// negative, not finite, or, for `rbf`, zero.
    pub fn by_name(name: &str, scale: f64) -> Result<Self> {
        let largest = f64::from(f32::MAX);
        let squared = scale * scale;
        let fits = match name {
            "rbf" => scale > 0.0 && scale.is_finite(),
            "ball" => scale >= 0.0 && scale.is_finite(),
            _ => true,
        };
        match name {
            "rbf" | "ball" if !fits => Err(Error::OutOfRange {
                what: "scale",
                position: 0,
            }),
            "rbf" => Ok(Self::Rbf {
                inverse: squared.recip().min(largest) as f32,
            }),
            "ball" => Ok(Self::Ball {
                squared: squared.min(largest) as f32,
            }),
            "dot" => Ok(Self::Dot),
            _ => Err(Error::Unknown {
                what: "similarity",
                name: name.to_owned(),
                known: "rbf, ball, dot",
            }),
        }
    }

    /// From the dot product or, for the others, the squared distance.
    #[inline(always)]
    fn of<S: Simd>(self, s: S, x: S::V) -> S::V {
        let (zero, one) = (s.splat(0.0), s.splat(1.0));
        match self {
            Self::Rbf { inverse } => {
                // Lanes past the last row may hold anything.
                let x = s.min(s.mul(x, s.splat(-inverse)), zero);
                // Too small for a normal number is nothing, so that gains do come to an end.
                s.select_gt(x, s.splat(LOWEST), exp(s, x), zero)
            }
            Self::Ball { squared } => s.select_gt(x, s.splat(squared), zero, one),
            Self::Dot => s.max(s.min(x, s.splat(f32::MAX)), zero),
        }
    }
}

/// Vectors, where they lie, with their squared norms.
#[derive(Debug)]
pub(crate) struct Normed<'a> {
    values: &'a [f32],
    dim: usize,
    norms: Vec<f32>,
}

impl<'a> Normed<'a> {
    /// # Errors
    ///
    /// [`Error::Shape`] if `dim` is 0 or does not fit the values; [`Error::NotFinite`];
    /// [`Error::Cancelled`].
    pub(crate) fn new(
        engine: &Engine,
        what: &'static str,
        values: &'a [f32],
        shape: (usize, usize),
        cancel: &Cancel,
    ) -> Result<Self> {
        let (rows, dim) = shape;
        let vectors = Vectors::new(Values::F32(values), rows, dim)?;
        if dim == 0 {
            return Err(Error::Shape {
                what: "values per row, at least",
                expected: 1,
                got: 0,
            });
        }
        engine.check_finite(what, &vectors, cancel)?;
        let (mut row, zeros) = (vec![0.0; padded(dim)], vec![0.0; padded(dim)]);
        let norms = values.chunks_exact(dim).map(|values| {
            cancel.check()?;
            row[..dim].copy_from_slice(values);
            Ok(engine.level().run(Squared(&row, &zeros)))
        });
        Ok(Self {
            norms: norms.collect::<Result<_>>()?,
            values,
            dim,
        })
    }

    pub(crate) fn rows(&self) -> usize {
        self.norms.len()
    }

    /// The squared length of a row.
    pub(crate) fn norm(&self, row: usize) -> f32 {
        self.norms[row]
    }

    pub(crate) fn dim(&self) -> usize {
        self.dim
    }

    pub(crate) fn row(&self, row: usize) -> &'a [f32] {
        &self.values[row * self.dim..(row + 1) * self.dim]
    }
}

struct Squared<'a>(&'a [f32], &'a [f32]);

impl Kernel for Squared<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        squared(s, self.0, self.1)
    }
}

/// Rows to compare with, in panels, with their squared norms.
#[derive(Debug)]
pub(crate) struct Compared {
    panels: Panels,
    /// One per row and zeros up to a whole number of panels.
    pub(crate) norms: Vec<f32>,
}

impl Compared {
    /// Call from inside a thread pool.
    ///
    /// # Errors
    ///
    /// [`Error::Cancelled`].
    pub(crate) fn new(rows: &Normed<'_>, cancel: &Cancel) -> Result<Self> {
        let mut norms = rows.norms.clone();
        norms.resize(norms.len().next_multiple_of(PANEL_ROWS), 0.0);
        let panels = Panels::new(rows.values, rows.dim, cancel)?;
        Ok(Self { panels, norms })
    }
}

/// A few candidates side by side.
#[derive(Debug)]
pub(crate) struct Group {
    values: Abreast,
    norms: Vec<f32>,
}

impl Group {
    /// Those of these numbers.
    pub(crate) fn new(from: &Normed<'_>, candidates: &[usize]) -> Self {
        let rows = candidates.iter().map(|&candidate| from.row(candidate));
        Self {
            values: Abreast::new(rows, from.dim),
            norms: candidates.iter().map(|&c| from.norms[c]).collect(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// The similarities of candidates `span`, which is one or begins with a multiple of
    /// `ABREAST`, with `PANEL_ROWS` rows from `start`: with the first 16 rows 16 values each,
    /// then with the others; those past the last row mean nothing.
    #[inline(always)]
    pub(crate) fn similarities<S: Simd>(
        &self,
        s: S,
        rows: &Compared,
        start: usize,
        similarity: Similarity,
        span: Range<usize>,
        out: &mut [f32],
    ) {
        rows.panels
            .products(s, start, &self.values, span.clone(), out);
        if similarity != Similarity::Dot {
            let halves = out.chunks_exact_mut(span.len() * TILE_ROWS);
            for (out, start) in halves.zip((start..).step_by(TILE_ROWS)) {
                let norms = &rows.norms[start..start + TILE_ROWS];
                if distances(s, norms, &self.norms[span.clone()], out) {
                    self.mend(s, rows, start, span.start, out);
                }
            }
        }
        for out in out.chunks_exact_mut(S::LANES) {
            // SAFETY: the chunk has exactly `LANES` floats.
            unsafe {
                let x = s.load(out.as_ptr());
                s.store(out.as_mut_ptr(), similarity.of(s, x));
            }
        }
    }

    /// Direct differences where products cancelled.
    #[inline(always)]
    fn mend<S: Simd>(&self, s: S, rows: &Compared, start: usize, first: usize, out: &mut [f32]) {
        for (candidate, out) in (first..).zip(out.chunks_exact_mut(TILE_ROWS)) {
            if out.iter().all(|&x| x >= 0.0) {
                continue;
            }
            let mut direct = [0.0; TILE_ROWS];
            let panels = &rows.panels;
            panels.squared(s, start, &self.values, candidate, &mut direct);
            for (out, direct) in out.iter_mut().zip(direct) {
                *out = if *out < 0.0 { direct } else { *out };
            }
        }
    }
}

/// Squared distances in place of dot products, -1 where they cancelled; whether any did.
#[inline(always)]
fn distances<S: Simd>(s: S, norms: &[f32], own: &[f32], out: &mut [f32]) -> bool {
    let (zero, one) = (s.splat(0.0), s.splat(1.0));
    let mut any = zero;
    for (out, &norm) in out.chunks_exact_mut(TILE_ROWS).zip(own) {
        let norm = s.splat(norm);
        let lanes = out.chunks_exact_mut(S::LANES);
        for (out, norms) in lanes.zip(norms.chunks_exact(S::LANES)) {
            // SAFETY: both chunks have exactly `LANES` floats.
            unsafe {
                let both = s.add(s.load(norms.as_ptr()), norm);
                let squared = s.fma(s.load(out.as_ptr()), s.splat(-2.0), both);
                // Not a number is infinity minus infinity: far apart.
                let squared = s.min(squared, s.splat(f32::MAX));
                let least = s.mul(both, s.splat(CANCELLED));
                any = s.max(any, s.select_gt(squared, least, zero, one));
                let squared = s.select_gt(squared, least, squared, s.splat(-1.0));
                s.store(out.as_mut_ptr(), squared);
            }
        }
    }
    s.sums([any, zero, zero, zero])[0] > 0.0
}
