//! Which rows are within a distance of which candidates.
//!
//! Nearly all pairs are far from the edge of a ball, and products of bytes with their certified
//! errors ([`super::sketch`]) say so. The others are looked at as if there were no bytes, so that
//! the answer is the same on every path.

use super::bytes::Bytes;
use super::coverage_kept::Sides;
use super::coverage_pass::Ground;
use super::panel::{ABREAST, PANEL_ROWS};
use super::simd::{Kernel, Level, Simd};
use super::similarity::{Group, Normed};
use super::sketch::{Few, Flock, Near, Sketches, rounding, way};
use super::vectors::TILE_ROWS;
use super::{Cancel, Result};
use std::ops::Range;

/// Rows to a word.
pub(crate) const WORD: usize = PANEL_ROWS;
/// Products of a word's rows with a few candidates.
pub(crate) const ROOM_FOR_PRODUCTS: usize = WORD * ABREAST;
/// If so many of `ABREAST` candidates have rows near the edge, all are looked at together.
const MANY: usize = 4;

/// How to find out what is in the balls.
pub(crate) struct Look<'a> {
    pub(crate) level: Level,
    candidates: &'a Normed<'a>,
    ground: &'a Ground,
    sketches: Option<(Bytes, Sketches)>,
    squared: f32,
    pub(crate) cancel: &'a Cancel,
}

/// Some candidates side by side.
pub(crate) struct Several {
    group: Group,
    flock: Option<Flock>,
}

impl<'a> Look<'a> {
    /// # Errors
    ///
    /// [`super::Error::Cancelled`].
    pub(crate) fn new(
        level: Level,
        sides: Sides<'a>,
        ground: &'a Ground,
        squared: f32,
        cancel: &'a Cancel,
    ) -> Result<Self> {
        let (candidates, rows) = (sides.candidates, sides.rows);
        let sketches = way(level, rows.dim()).map(|way| {
            let each = (0..rows.rows()).map(|row| (rows.row(row), rows.norm(row)));
            Ok((way, Sketches::new(each, rows.dim(), level, cancel)?))
        });
        Ok(Self {
            level,
            candidates,
            ground,
            sketches: sketches.transpose()?,
            squared,
            cancel,
        })
    }

    /// Those of these numbers.
    pub(crate) fn several(&self, span: Range<usize>) -> Several {
        let (candidates, dim) = (self.candidates, self.candidates.dim());
        let each = span
            .clone()
            .map(|at| (candidates.row(at), candidates.norm(at)));
        let flock = self.sketches.is_some();
        Several {
            flock: flock.then(|| Flock::new(each, dim, self.level)),
            group: Group::new(candidates, &span.collect::<Vec<_>>()),
        }
    }
}

/// The bits of some candidates for the rows of one word.
pub(crate) struct Fill<'a> {
    pub(crate) look: &'a Look<'a>,
    pub(crate) some: &'a Several,
    pub(crate) start: usize,
    /// From the word of the first candidate.
    pub(crate) bits: &'a mut [u32],
    pub(crate) pitch: usize,
    /// Room for products.
    pub(crate) found: &'a mut [f32; ROOM_FOR_PRODUCTS],
}

impl Kernel for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let count = self.some.group.len();
        for first in (0..count).step_by(ABREAST) {
            let end = count.min(first + ABREAST);
            let (mut words, mut unsure) = ([0; ABREAST], [u32::MAX; ABREAST]);
            if let (Some((way, rows)), Some(flock)) = (&self.look.sketches, &self.some.flock) {
                let few = flock.few(first);
                (words, unsure) = self.bounds(s, *way, rows, &few);
            }
            let unsure = &unsure[..end - first];
            if unsure.iter().filter(|&&word| word != 0).count() >= MANY {
                self.exactly(s, first..end, &mut words);
            } else {
                for (at, _) in unsure.iter().enumerate().filter(|&(_, &word)| word != 0) {
                    self.exactly(s, first + at..first + at + 1, &mut words[at..]);
                }
            }
            let to = self.bits.chunks_mut(self.pitch).skip(first);
            for (to, &word) in to.zip(&words[..end - first]) {
                to[0] = word;
            }
        }
    }
}

impl Fill<'_> {
    /// The words of candidates `span` as [`Group::similarities`] has them.
    #[inline(always)]
    fn exactly<S: Simd>(&mut self, s: S, span: Range<usize>, words: &mut [u32]) {
        let ground = self.look.ground;
        let found = &mut self.found[..span.len() * PANEL_ROWS];
        let (rows, similarity, start) = (&ground.rows, ground.similarity, self.start);
        let group = &self.some.group;
        group.similarities(s, rows, start, similarity, span.clone(), found);
        let (low, high) = found.split_at(span.len() * TILE_ROWS);
        let halves = low.chunks(TILE_ROWS).zip(high.chunks(TILE_ROWS));
        for (word, (low, high)) in words.iter_mut().zip(halves) {
            *word = ones(s, low) | ones(s, high) << TILE_ROWS;
        }
    }

    /// Which rows are certainly in the balls of a few candidates, and which perhaps.
    #[inline(always)]
    fn bounds<S: Simd>(
        &mut self,
        s: S,
        way: Bytes,
        rows: &Sketches,
        few: &Few<'_>,
    ) -> ([u32; ABREAST], [u32; ABREAST]) {
        let (low, high) = self.found.split_at_mut(ABREAST * TILE_ROWS);
        let panels = [rows.panel(self.start), rows.panel(self.start + TILE_ROWS)];
        way.products(panels, few.with, few.sums, [low, high]);
        let (mut words, mut unsure) = ([0; ABREAST], [0; ABREAST]);
        let outside = self.outside(s, rows, few);
        for (at, near) in few.near.iter().enumerate() {
            if outside[at] != u32::MAX {
                (words[at], unsure[at]) = self.edge(s, rows, near, at);
            }
        }
        (words, unsure)
    }

    /// Rows that lie outside of the balls by so much that the largest error of any of the word
    /// leaves no doubt: usually all.
    #[inline(always)]
    fn outside<S: Simd>(&self, s: S, rows: &Sketches, few: &Few<'_>) -> [u32; ABREAST] {
        let span = self.start..self.start + WORD;
        let most = |of: &[f32]| of[span.clone()].iter().copied().fold(0.0, f32::max);
        let (error, reach) = (most(&rows.error), most(&rows.reach));
        let keep = 1.0 - 4.0 * rounding(self.look.candidates.dim());
        let norms = &self.look.ground.rows.norms;
        let mut outside = [0; ABREAST];
        for lane in (0..PANEL_ROWS).step_by(S::LANES) {
            let from = self.start + lane;
            let norm = s.mul(load(s, &norms[from..]), s.splat(keep));
            let scale = load(s, &rows.scale[from..]);
            for (at, near) in few.near.iter().enumerate() {
                let lost = 2.0 * (error * near.length + reach * near.error);
                let limit = s.splat(self.look.squared + lost - near.norm * keep);
                let product = s.mul(scale, load(s, &self.found[place(at, lane)..]));
                let rest = s.fma(product, s.splat(-2.0 * near.scale), norm);
                outside[at] |= s.mask_gt(rest, limit) << lane;
            }
        }
        outside
    }

    /// Which rows are certainly in the ball of candidate `at` of a few, and which perhaps.
    #[inline(always)]
    fn edge<S: Simd>(&self, s: S, rows: &Sketches, near: &Near, at: usize) -> (u32, u32) {
        let slack = s.splat(4.0 * rounding(self.look.candidates.dim()));
        let (limit, norm) = (s.splat(self.look.squared), s.splat(near.norm));
        let (scale, length) = (s.splat(2.0 * near.scale), s.splat(2.0 * near.length));
        let (error, mut found) = (s.splat(2.0 * near.error), (0, 0));
        for lane in (0..PANEL_ROWS).step_by(S::LANES) {
            let from = self.start + lane;
            let both = s.add(load(s, &self.look.ground.rows.norms[from..]), norm);
            let product = s.mul(load(s, &rows.scale[from..]), scale);
            let product = s.mul(product, load(s, &self.found[place(at, lane)..]));
            let lost = s.mul(load(s, &rows.reach[from..]), error);
            let lost = s.fma(load(s, &rows.error[from..]), length, lost);
            let lost = s.fma(both, slack, lost);
            let squared = s.sub(both, product);
            let inside = s.mask_gt(limit, s.add(squared, lost));
            let outside = s.mask_gt(s.sub(squared, lost), limit);
            found.0 |= inside << lane;
            found.1 |= (u32::MAX >> (WORD - S::LANES) & !(inside | outside)) << lane;
        }
        found
    }
}

/// Where the products of candidate `at` of a few with the rows from `lane` are.
#[inline(always)]
fn place(at: usize, lane: usize) -> usize {
    (lane / TILE_ROWS * ABREAST + at) * TILE_ROWS + lane % TILE_ROWS
}

/// The first lanes.
#[inline(always)]
fn load<S: Simd>(s: S, from: &[f32]) -> S::V {
    let from = &from[..S::LANES];
    // SAFETY: the slice has `LANES` floats.
    unsafe { s.load(from.as_ptr()) }
}

/// Which of sixteen similarities are 1 rather than 0.
#[inline(always)]
fn ones<S: Simd>(s: S, similarities: &[f32]) -> u32 {
    let mut word = 0;
    for (lanes, at) in similarities
        .chunks_exact(S::LANES)
        .zip((0..).step_by(S::LANES))
    {
        word |= s.mask_gt(load(s, lanes), s.splat(0.5)) << at;
    }
    word
}
