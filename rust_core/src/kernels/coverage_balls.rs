//! Which rows are in the ball of which candidate, a bit each.

use super::ball_edges::{Fill, Look, ROOM_FOR_PRODUCTS, WORD};
use super::coverage_kept::{Sides, Within};
use super::coverage_pass::{Ground, ROWS, sum};
use super::coverage_table::CHUNK;
use super::room::{ROOM, Taken};
use super::simd::Level;
use super::vectors::TILE_ROWS;
use super::{Cancel, Result};
use rayon::prelude::*;

/// Candidate by candidate, a bit for each row in its ball.
pub(crate) struct Balls {
    bits: Vec<u32>,
    /// Words per candidate.
    pitch: usize,
    /// What covering a row adds, and whether it adds anything yet.
    left: Vec<f32>,
    open: Vec<u32>,
    _taken: Taken<'static>,
}

impl Balls {
    /// The balls of this squared radius, or none if they would be too large, or if there is no
    /// memory for them now.
    pub(crate) fn new(
        level: Level,
        sides: Sides<'_>,
        ground: &Ground,
        squared: f32,
        within: Within,
        cancel: &Cancel,
    ) -> Result<Option<Self>> {
        let (count, pitch) = (sides.candidates.rows(), ground.weights.len() / WORD);
        let size = count.saturating_mul(pitch);
        if size == 0 || size > within.largest {
            return Ok(None);
        }
        let (Some(taken), Some(bits)) = (ROOM.take(size), zeros(size)) else {
            return Ok(None);
        };
        let add = |(&weight, &covered): (&f32, &f32)| (weight * (1.0 - covered)).max(0.0);
        let left: Vec<f32> = ground
            .weights
            .iter()
            .zip(&ground.covered)
            .map(add)
            .collect();
        let mut balls = Self {
            bits,
            pitch,
            open: left.chunks(WORD).map(positive).collect(),
            left,
            _taken: taken,
        };
        let shared = if within.shared { count } else { 0 };
        let look = Look::new(level, sides, ground, squared, cancel)?;
        balls.fill(&look, shared / WORD * WORD)?;
        balls.mirror(shared / WORD * WORD, cancel)?;
        Ok(Some(balls))
    }

    /// Look at all pairs, those of the first `alike` candidates once.
    fn fill(&mut self, look: &Look<'_>, alike: usize) -> Result<()> {
        let pitch = self.pitch;
        let chunks = self.bits.par_chunks_mut(CHUNK * pitch).enumerate();
        chunks.try_for_each(|(chunk, bits)| {
            let first = chunk * CHUNK;
            let some = look.several(first..first + bits.len() / pitch);
            // Words that another chunk has as candidates are left to `mirror`.
            let known = (first + CHUNK).min(alike)..alike;
            let found = &mut [0.0; ROOM_FOR_PRODUCTS];
            for word in (0..pitch).filter(|word| !known.contains(&(word * WORD))) {
                look.cancel.check()?;
                let (some, bits, found) = (&some, &mut bits[word..], &mut *found);
                look.level.run(Fill {
                    look,
                    some,
                    start: word * WORD,
                    bits,
                    pitch,
                    found,
                });
            }
            Ok(())
        })
    }

    /// Above the diagonal what is below it, for the first `alike` candidates.
    fn mirror(&mut self, alike: usize, cancel: &Cancel) -> Result<()> {
        let pitch = self.pitch;
        for end in (CHUNK..alike).step_by(CHUNK) {
            cancel.check()?;
            let (above, below) = self.bits.split_at_mut(end * pitch);
            let strips = above[(end - CHUNK) * pitch..].par_chunks_mut(WORD * pitch);
            strips.enumerate().for_each(|(strip, above)| {
                let column = (end - CHUNK) / WORD + strip;
                let squares = below.chunks(WORD * pitch).take((alike - end) / WORD);
                for (tile, below) in squares.enumerate() {
                    turn(&below[column..], &mut above[end / WORD + tile..], pitch);
                }
            });
        }
        Ok(())
    }

    fn ball(&self, candidate: usize) -> &[u32] {
        &self.bits[candidate * self.pitch..][..self.pitch]
    }

    /// What these candidates add now, summed in the order of `Visit`.
    pub(crate) fn gains(&self, candidates: &[usize]) -> Vec<f64> {
        let gain = |&candidate: &usize| {
            let parts = self.ball(candidate).chunks(ROWS / WORD);
            let known = self.open.chunks(ROWS / WORD).zip(self.left.chunks(ROWS));
            let gains = parts.zip(known);
            let gains = gains.map(|(ball, (open, left))| part(ball, open, left));
            gains.sum()
        };
        candidates.par_iter().map(gain).collect()
    }

    /// What is in the ball of this candidate adds nothing more.
    pub(crate) fn cover(&mut self, candidate: usize) {
        let ball = &self.bits[candidate * self.pitch..][..self.pitch];
        for (open, ball) in self.open.iter_mut().zip(ball) {
            *open &= !ball;
        }
    }
}

/// Zeros, or none where memory is not to be had.
fn zeros(len: usize) -> Option<Vec<u32>> {
    let mut words = Vec::new();
    words.try_reserve_exact(len).ok()?;
    words.resize(len, 0);
    Some(words)
}

fn positive(left: &[f32]) -> u32 {
    let bits = left.iter().enumerate();
    bits.fold(0, |word, (at, &left)| word | u32::from(left > 0.0) << at)
}

/// What is `left` of the rows in the ball that are open; at most `ROWS` of them.
fn part(ball: &[u32], open: &[u32], left: &[f32]) -> f64 {
    let hits = || ball.iter().zip(open).map(|(ball, open)| ball & open);
    if hits().all(|hits| hits == 0) {
        return 0.0;
    }
    let mut lanes = [0.0; TILE_ROWS];
    for (mut hits, left) in hits().zip(left.chunks(WORD)) {
        while hits != 0 {
            let row = hits.trailing_zeros() as usize;
            lanes[row % TILE_ROWS] += left[row];
            hits &= hits - 1;
        }
    }
    sum(&lanes)
}

/// A square of 32 candidates and 32 rows from one place to another, turned: Warren, "Hacker's
/// Delight", 2nd edition, 7-3.
fn turn(from: &[u32], to: &mut [u32], pitch: usize) {
    let mut square = [0_u32; WORD];
    for (word, from) in square.iter_mut().zip(from.chunks(pitch)) {
        *word = from[0];
    }
    if square.iter().all(|&word| word == 0) {
        return;
    }
    let (mut width, mut mask) = (WORD / 2, 0x0000_ffff_u32);
    while width > 0 {
        for at in (0..WORD).filter(|at| at & width == 0) {
            let swap = ((square[at] >> width) ^ square[at + width]) & mask;
            square[at] ^= swap << width;
            square[at + width] ^= swap;
        }
        width /= 2;
        mask ^= mask << width;
    }
    for (to, word) in to.chunks_mut(pitch).zip(square) {
        to[0] = word;
    }
}
