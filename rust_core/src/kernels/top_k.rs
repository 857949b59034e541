//! The best k of a stream, in a total order that does not depend on how the stream is cut.

use super::block::{Block, Chunk, chunks};
use super::error::same_length;
use super::hash::keyed_hash;
use super::{Cancel, Engine, Error, Result};
use rayon::prelude::*;
use std::cmp::Ordering;

/// Rows best first, as three columns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ranked {
    /// Which block.
    pub block: Vec<i64>,
    /// Which row of it.
    pub row: Vec<i64>,
    /// Its score.
    pub score: Vec<f32>,
}

impl Ranked {
    pub(crate) fn push(&mut self, candidate: &Candidate, score: f32) {
        self.block.push(candidate.block as i64);
        self.row.push(candidate.row as i64);
        self.score.push(score);
    }
}

/// One row with its score, which is not NaN, and its tie-break.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) score: f32,
    pub(crate) tie: u64,
    pub(crate) block: usize,
    pub(crate) row: usize,
}

impl Candidate {
    /// Higher score first, then smaller keyed hash, then position.
    pub(crate) fn best_first(&self, other: &Self) -> Ordering {
        let place = |c: &Self| (c.tie, c.block, c.row);
        other
            .score
            .total_cmp(&self.score)
            .then_with(|| place(self).cmp(&place(other)))
    }
}

/// The best `k` candidates so far.
#[derive(Debug, Clone)]
pub(crate) struct TopK {
    k: usize,
    key: u64,
    worst: Option<Candidate>,
    threshold: f32,
    kept: Vec<Candidate>,
}

impl TopK {
    pub(crate) fn new(k: usize, key: u64) -> Self {
        Self {
            k,
            key,
            worst: None,
            threshold: if k == 0 {
                f32::INFINITY
            } else {
                f32::NEG_INFINITY
            },
            kept: Vec::new(),
        }
    }

    /// Offer consecutive rows of a chunk, starting at row `start` of its block.
    #[inline(always)]
    pub(crate) fn offer(&mut self, chunk: &Chunk<'_>, start: usize, scores: &[f32]) {
        for (row, &score) in (start..).zip(scores) {
            if score >= self.threshold {
                self.consider(chunk, row, score);
            }
        }
    }

    /// Apart from the loop above, which nearly always passes it by.
    #[inline(never)]
    fn consider(&mut self, chunk: &Chunk<'_>, row: usize, score: f32) {
        if self.k == 0 || chunk.of.is_excluded(row) {
            return;
        }
        self.push(Candidate {
            // Adding zero makes -0.0 tie with 0.0.
            score: score + 0.0,
            tie: keyed_hash(chunk.of.id_hash[row], self.key),
            block: chunk.block,
            row,
        });
    }

    fn push(&mut self, candidate: Candidate) {
        let beats = |worst: &Candidate| candidate.best_first(worst) == Ordering::Less;
        if self.worst.as_ref().is_none_or(beats) {
            self.kept.push(candidate);
            if self.kept.len() >= (2 * self.k).max(64) {
                self.prune();
            }
        }
    }

    fn prune(&mut self) {
        if self.k == 0 || self.kept.len() < self.k {
            return;
        }
        let last = self.k - 1;
        self.kept
            .select_nth_unstable_by(last, Candidate::best_first);
        self.kept.truncate(self.k);
        self.worst = Some(self.kept[last]);
        self.threshold = self.kept[last].score;
    }

    pub(crate) fn merge(mut self, other: Self) -> Self {
        if self.kept.len() < other.kept.len() {
            return other.merge(self);
        }
        for candidate in other.kept {
            self.push(candidate);
        }
        self
    }

    pub(crate) fn into_ranked(mut self) -> Ranked {
        self.prune();
        self.kept.sort_unstable_by(Candidate::best_first);
        let mut ranked = Ranked::default();
        for candidate in &self.kept {
            ranked.push(candidate, candidate.score);
        }
        ranked
    }
}

/// Never keep more than there are rows: callers may ask for any number.
pub(crate) fn clamp_k(k: usize, blocks: &[Block<'_>]) -> usize {
    k.min(blocks.iter().map(Block::rows).sum())
}

impl Engine {
    /// The best `k` rows by given scores, one slice per block; excluded rows are passed over.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if scores and blocks disagree; [`Error::NotFinite`] with the row of a
    /// score that is NaN (infinities are allowed); [`Error::Cancelled`].
    pub fn top_k(
        &self,
        scores: &[&[f32]],
        blocks: &[Block<'_>],
        k: usize,
        seed: u64,
        cancel: &Cancel,
    ) -> Result<Ranked> {
        same_length("arrays of scores", blocks.len(), scores.len())?;
        for (scores, block) in scores.iter().zip(blocks) {
            same_length("scores of a block", block.rows(), scores.len())?;
        }
        self.rank(blocks, k, seed, cancel, |chunk, top| {
            let scores = &scores[chunk.block][chunk.start..chunk.start + chunk.len];
            if let Some(position) = scores.iter().position(|score| score.is_nan()) {
                return Err(Error::NotFinite {
                    what: "scores of a block",
                    position: chunk.start + position,
                });
            }
            top.offer(chunk, chunk.start, scores);
            Ok(())
        })
    }

    /// A uniform sample without replacement: the `k` smallest keyed hashes, with score 0.
    ///
    /// # Errors
    ///
    /// [`Error::Cancelled`].
    pub fn random_top_k(
        &self,
        blocks: &[Block<'_>],
        k: usize,
        seed: u64,
        cancel: &Cancel,
    ) -> Result<Ranked> {
        self.rank(blocks, k, seed, cancel, |chunk, top| {
            for row in chunk.start..chunk.start + chunk.len {
                top.offer(chunk, row, &[0.0]);
            }
            Ok(())
        })
    }

    fn rank(
        &self,
        blocks: &[Block<'_>],
        k: usize,
        seed: u64,
        cancel: &Cancel,
        step: impl Fn(&Chunk<'_>, &mut TopK) -> Result<()> + Sync,
    ) -> Result<Ranked> {
        let k = clamp_k(k, blocks);
        let empty = || TopK::new(k, seed);
        let cut = chunks(blocks, 1);
        let best = self.install(|| {
            cut.par_iter()
                .try_fold(empty, |mut top, chunk| {
                    cancel.check()?;
                    step(chunk, &mut top)?;
                    Ok(top)
                })
                .try_reduce(empty, |a, b| Ok(a.merge(b)))
        })?;
        Ok(best.into_ranked())
    }
}
