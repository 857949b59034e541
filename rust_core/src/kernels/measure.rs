//! From logits to softmax and how uncertain it is, sixteen rows at once, one row per lane.

use super::simd::Simd;
use super::simd::math::{exp, ln_1p};
use super::vectors::TILE_ROWS;
use super::{Error, Result};

/// How uncertain a row of probabilities is, from 0 (certain) to 1.
///
/// All come from the largest logit `m`, the second largest, and sums over the others, so that
/// no probabilities are ever stored, and small values keep their digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// `1 - p1` (Lewis and Gale 1994).
    LeastConfidence,
    /// `1 - (p1 - p2)` (Scheffer, Decomain and Wrobel 2001).
    Margin,
    /// `H(p) / ln C` (Shannon 1948).
    Entropy,
}

impl Measure {
    /// One by its name.
    ///
    /// # Errors
    ///
    /// [`Error::Unknown`] if there is none of this name.
    pub fn by_name(name: &str) -> Result<Self> {
        match name {
            "least_confidence" => Ok(Self::LeastConfidence),
            "margin" => Ok(Self::Margin),
            "entropy" => Ok(Self::Entropy),
            _ => Err(Error::Unknown {
                what: "measure",
                name: name.to_owned(),
                known: "least_confidence, margin, entropy",
            }),
        }
    }

    /// Scores of 16 rows from their logits, class by class, 16 values each.
    #[inline(always)]
    pub(crate) fn scores<S: Simd>(self, s: S, logits: &[f32]) -> [f32; TILE_ROWS] {
        let mut out = [0.0; TILE_ROWS];
        let classes = logits.len() / TILE_ROWS;
        if classes < 2 {
            return out;
        }
        for (lane, out) in (0..TILE_ROWS)
            .step_by(S::LANES)
            .zip(out.chunks_exact_mut(S::LANES))
        {
            let column = Column { logits, lane };
            let score = self.score(s, &column, classes);
            let score = s.min(s.max(score, s.splat(0.0)), s.splat(1.0));
            // SAFETY: `out` is a chunk of exactly `LANES` floats.
            unsafe { s.store(out.as_mut_ptr(), score) }
        }
        out
    }

    #[inline(always)]
    fn score<S: Simd>(self, s: S, column: &Column<'_>, classes: usize) -> S::V {
        let top = column.top(s, classes);
        let one = s.splat(1.0);
        let mut rest = s.splat(0.0);
        let mut weighted = s.splat(0.0);
        for class in 0..classes {
            // t <= 0; from -87 on the term is nothing beside the largest, which is 1.
            let t = s.max(
                s.sub(column.at(s, class), top.first),
                s.splat(super::simd::math::LOWEST),
            );
            let e = exp(s, t);
            // The largest itself stays out of the sum: 1 + rest would swallow small terms.
            let away = s.sub(top.class, s.splat(class as f32));
            let e = s.select_gt(s.mul(away, away), s.splat(0.25), e, s.splat(0.0));
            rest = s.add(rest, e);
            if self == Self::Entropy {
                weighted = s.fma(t, e, weighted);
            }
        }
        let total = s.add(one, rest);
        match self {
            Self::LeastConfidence => s.div(rest, total),
            Self::Margin => {
                let second = exp(s, s.sub(top.second, top.first));
                s.div(s.add(rest, second), total)
            }
            Self::Entropy => {
                let nats = s.sub(ln_1p(s, rest), s.div(weighted, total));
                s.mul(nats, s.splat(1.0 / (classes as f32).ln()))
            }
        }
    }
}

/// Probabilities of 16 rows in place of their logits.
#[inline(always)]
pub(crate) fn softmax<S: Simd>(s: S, logits: &mut [f32]) {
    let classes = logits.len() / TILE_ROWS;
    for lane in (0..TILE_ROWS).step_by(S::LANES) {
        let column = Column { logits, lane };
        let first = column.top(s, classes).first;
        let mut total = s.splat(0.0);
        for class in 0..classes {
            let column = Column { logits, lane };
            let e = exp(s, s.sub(column.at(s, class), first));
            total = s.add(total, e);
            put(s, logits, lane, class, e);
        }
        let scale = s.div(s.splat(1.0), total);
        for class in 0..classes {
            let column = Column { logits, lane };
            let p = s.mul(column.at(s, class), scale);
            put(s, logits, lane, class, p);
        }
    }
}

#[inline(always)]
fn put<S: Simd>(s: S, values: &mut [f32], lane: usize, class: usize, v: S::V) {
    let at = class * TILE_ROWS + lane;
    let to = &mut values[at..at + S::LANES];
    // SAFETY: `to` has exactly `LANES` floats.
    unsafe { s.store(to.as_mut_ptr(), v) }
}

/// The logits of `LANES` rows.
struct Column<'a> {
    logits: &'a [f32],
    lane: usize,
}

/// The two largest logits, and which class has the largest (the first of equals).
struct Top<V> {
    first: V,
    second: V,
    class: V,
}

impl Column<'_> {
    /// Logits of one class, without NaN and infinities: those come only from rows that were
    /// never finite or weights near the end of the range, and must not spread.
    #[inline(always)]
    fn at<S: Simd>(&self, s: S, class: usize) -> S::V {
        let at = class * TILE_ROWS + self.lane;
        let from = &self.logits[at..at + S::LANES];
        // SAFETY: `from` has exactly `LANES` floats.
        let z = unsafe { s.load(from.as_ptr()) };
        s.min(s.max(z, s.splat(f32::MIN)), s.splat(f32::MAX))
    }

    #[inline(always)]
    fn top<S: Simd>(&self, s: S, classes: usize) -> Top<S::V> {
        let mut top = Top {
            first: self.at(s, 0),
            second: s.splat(f32::MIN),
            class: s.splat(0.0),
        };
        for class in 1..classes {
            let z = self.at(s, class);
            top.second = s.max(top.second, s.min(top.first, z));
            top.class = s.select_gt(z, top.first, s.splat(class as f32), top.class);
            top.first = s.max(top.first, z);
        }
        top
    }
}
