//! Rows in panels of sixteen, value by value, for products with a group of candidates: registers
//! hold rows side by side and no sum ever crosses them (Goto and van de Geijn, "Anatomy of
//! high-performance matrix multiplication", 2008).
//!
//! A product is added up in the order of its values, whoever is the row and whoever the
//! candidate: it is the same number both ways round, in any group, in any panel.

use super::aligned::Aligned;
use super::simd::{Kernel, Simd};
use super::vectors::TILE_ROWS;
use super::{Cancel, Result};
use rayon::prelude::*;
use std::ops::Range;

/// Rows that are visited together: two registers of the widest kind.
pub(crate) const PANEL_ROWS: usize = 2 * TILE_ROWS;
/// Candidates side by side: with two registers of rows they fill the register file.
pub(crate) const ABREAST: usize = 12;

/// Rows in panels, up to a whole number of `PANEL_ROWS` by rows of zeros.
#[derive(Debug)]
pub(crate) struct Panels {
    values: Aligned,
    depth: usize,
}

impl Panels {
    /// From rows of `depth` values, one after the other; call from inside a thread pool.
    ///
    /// # Errors
    ///
    /// [`super::Error::Cancelled`].
    pub(crate) fn new(rows: &[f32], depth: usize, cancel: &Cancel) -> Result<Self> {
        let padded = (rows.len() / depth).next_multiple_of(PANEL_ROWS);
        let mut values = Aligned::zeros(padded * depth);
        let panels = values.as_mut_slice().par_chunks_mut(TILE_ROWS * depth);
        let rows = rows.par_chunks(TILE_ROWS * depth);
        panels.zip(rows).try_for_each(|(panel, rows)| {
            cancel.check()?;
            interleave(rows.chunks_exact(depth), TILE_ROWS, depth, panel);
            Ok(())
        })?;
        Ok(Self { values, depth })
    }

    /// The panel that begins with row `start`, a multiple of 16.
    #[inline(always)]
    fn panel(&self, start: usize) -> &[f32] {
        &self.values.as_slice()[start * self.depth..(start + TILE_ROWS) * self.depth]
    }

    /// Products of `PANEL_ROWS` rows from `start` with candidates `span`, which is one or begins
    /// with a multiple of `ABREAST`: for the first sixteen rows candidate by candidate, 16 values
    /// each, then for the others.
    #[inline(always)]
    pub(crate) fn products<S: Simd>(
        &self,
        s: S,
        start: usize,
        with: &Abreast,
        span: Range<usize>,
        out: &mut [f32],
    ) {
        let panels = [self.panel(start), self.panel(start + TILE_ROWS)];
        let (low, high) = out.split_at_mut(span.len() * TILE_ROWS);
        for first in span.clone().step_by(ABREAST) {
            let (block, offset) = (first / ABREAST, first % ABREAST);
            let part = first - span.start..span.end.min(first + ABREAST) - span.start;
            let part = part.start * TILE_ROWS..part.end * TILE_ROWS;
            let job = Job {
                panels,
                candidates: &with.values.as_slice()[block * ABREAST * self.depth..]
                    [offset..ABREAST * self.depth],
                out: [&mut low[part.clone()], &mut high[part]],
            };
            if span.len() == 1 {
                s.call(Sized::<1>(job));
            } else if S::TILE * 2 >= ABREAST {
                s.call(Sized::<ABREAST>(job));
            } else {
                s.call(Sized::<{ ABREAST / 2 }>(job));
            }
        }
    }

    /// Squared distances of 16 rows from `start` to one candidate, by direct differences.
    #[inline(always)]
    pub(crate) fn squared<S: Simd>(
        &self,
        s: S,
        start: usize,
        with: &Abreast,
        candidate: usize,
        out: &mut [f32; TILE_ROWS],
    ) {
        let panel = self.panel(start);
        for (lane, out) in out.chunks_exact_mut(S::LANES).enumerate() {
            let mut sum = s.splat(0.0);
            for (depth, values) in panel.chunks_exact(TILE_ROWS).enumerate() {
                let values = &values[lane * S::LANES..(lane + 1) * S::LANES];
                // SAFETY: the slice holds `LANES` floats.
                let gap = s.sub(unsafe { s.load(values.as_ptr()) }, {
                    s.splat(with.value(candidate, depth, self.depth))
                });
                sum = s.fma(gap, gap, sum);
            }
            // SAFETY: the chunk holds `LANES` floats.
            unsafe { s.store(out.as_mut_ptr(), s.min(sum, s.splat(f32::MAX))) };
        }
    }
}

/// Candidates side by side, `ABREAST` at a time, the last ones beside zeros.
#[derive(Debug)]
pub(crate) struct Abreast {
    values: Aligned,
    count: usize,
}

impl Abreast {
    /// From rows of `depth` values.
    pub(crate) fn new<'a>(rows: impl ExactSizeIterator<Item = &'a [f32]>, depth: usize) -> Self {
        let count = rows.len();
        let mut values = Aligned::zeros(count.next_multiple_of(ABREAST) * depth);
        interleave(rows, ABREAST, depth, values.as_mut_slice());
        Self { values, count }
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    #[inline(always)]
    fn value(&self, candidate: usize, at: usize, depth: usize) -> f32 {
        let (block, within) = (candidate / ABREAST, candidate % ABREAST);
        self.values.as_slice()[(block * depth + at) * ABREAST + within]
    }
}

/// `wide` rows side by side, value by value.
fn interleave<'a>(
    rows: impl Iterator<Item = &'a [f32]>,
    wide: usize,
    depth: usize,
    to: &mut [f32],
) {
    for (row, values) in rows.enumerate() {
        let block = &mut to[row / wide * wide * depth..][..wide * depth];
        for (to, &value) in block.chunks_exact_mut(wide).zip(&values[..depth]) {
            to[row % wide] = value;
        }
    }
}

struct Job<'a> {
    panels: [&'a [f32]; 2],
    /// `ABREAST` side by side, from the first that is wanted.
    candidates: &'a [f32],
    /// For each panel, 16 values per candidate; the candidates of the last may be fewer.
    out: [&'a mut [f32]; 2],
}

/// A product with `C` candidates at a time.
struct Sized<'a, const C: usize>(Job<'a>);

// Loops are spelt out: a closure that is not folded into the function would lose its instructions.
impl<const C: usize> Kernel for Sized<'_, C> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let job = self.0;
        let count = job.out[0].len() / TILE_ROWS;
        for first in (0..count).step_by(C) {
            for lane in (0..PANEL_ROWS).step_by(2 * S::LANES) {
                let (one, two) = (place(lane), place(lane + S::LANES));
                let acc = two_registers::<S, C>(
                    s,
                    &job.panels[one.0][one.1..],
                    &job.panels[two.0][two.1..],
                    &job.candidates[first..],
                );
                for (c, acc) in acc.iter().enumerate() {
                    let at = (first + c) * TILE_ROWS;
                    put(s, acc[0], &mut *job.out[one.0], at + one.1);
                    put(s, acc[1], &mut *job.out[two.0], at + two.1);
                }
            }
        }
    }
}

/// Panel and place in it.
#[inline(always)]
fn place(lane: usize) -> (usize, usize) {
    (lane / TILE_ROWS, lane % TILE_ROWS)
}

/// Store lanes, if there is a candidate for them.
#[inline(always)]
fn put<S: Simd>(s: S, lanes: S::V, out: &mut [f32], at: usize) {
    if at < out.len() {
        let out = &mut out[at..at + S::LANES];
        // SAFETY: the slice holds `LANES` floats.
        unsafe { s.store(out.as_mut_ptr(), lanes) };
    }
}

/// The first lanes of two panels with the first `C` candidates, each from where it begins.
#[inline(always)]
fn two_registers<S: Simd, const C: usize>(
    s: S,
    one: &[f32],
    two: &[f32],
    candidates: &[f32],
) -> [[S::V; 2]; C] {
    let mut acc = [[s.splat(0.0); 2]; C];
    let depth = candidates.len().div_ceil(ABREAST);
    let last = depth.saturating_sub(1);
    assert!(candidates.len() >= last * ABREAST + C);
    assert!(one.len().min(two.len()) >= last * TILE_ROWS + S::LANES);
    let (one, two, candidates) = (one.as_ptr(), two.as_ptr(), candidates.as_ptr());
    for at in 0..depth {
        // SAFETY: `at <= last`, and just checked: that far the panels hold `LANES` values and the
        // candidates `C`.
        unsafe {
            let x = s.load(one.add(at * TILE_ROWS));
            let z = s.load(two.add(at * TILE_ROWS));
            let y = candidates.add(at * ABREAST);
            for (c, acc) in acc.iter_mut().enumerate() {
                let y = s.splat(*y.add(c));
                acc[0] = s.fma(x, y, acc[0]);
                acc[1] = s.fma(z, y, acc[1]);
            }
        }
    }
    acc
}
