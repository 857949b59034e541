//! Greedy farthest-first selection: Gonzalez, "Clustering to minimize the maximum intercluster
//! distance", 1985; as a batch strategy Sener and Savarese, "Core-Set", ICLR 2018.
//!
//! The definition asks for a pass over the pool per pick. But distances to the nearest centre
//! only shrink, so that a row whose distance to some of the centres is below another's distance
//! to all of them cannot be the farthest (lazy evaluation: Minoux, "Accelerated greedy algorithms
//! for maximizing submodular set functions", 1978). Rows wait in a heap by what is known of
//! their distance; the first is brought up to date until it stays the first. Picks and scores
//! are those of the definition, to the last bit.

use super::block::Block;
use super::error::same_length;
use super::frontier::{Frontier, Job};
use super::nearness::Nearness;
use super::product::Packed;
use super::refresh::Rows;
use super::top_k::{Candidate, Ranked, clamp_k};
use super::vectors::Vectors;
use super::{Cancel, Engine, Result};

impl Engine {
    /// `k` rows, each the farthest from the centres of `state`, the anchors and the picks before
    /// it; fewer only if there are fewer that may be chosen. The score is the distance at the
    /// time of picking, and 0 for a first pick without any anchor, which is the smallest keyed
    /// hash. What is found out about the centres of `state` stays there; it must be used with
    /// the same blocks ever after.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`](super::Error::Shape) if blocks, anchors and state differ in dimension or
    /// the state has seen other blocks; [`Error::NotFinite`](super::Error::NotFinite) if an
    /// anchor is not finite; [`Error::Cancelled`](super::Error::Cancelled).
    pub fn k_center(
        &self,
        blocks: &[Block<'_>],
        anchors: &Vectors<'_>,
        k: usize,
        seed: u64,
        state: Option<&mut Nearness>,
        cancel: &Cancel,
    ) -> Result<Ranked> {
        let dim = anchors.dim();
        for block in blocks {
            same_length("dimension of a block", dim, block.vectors.dim())?;
        }
        let mut others = Nearness::new(dim);
        others.advance(anchors)?;
        if let Some(state) = &state {
            state.check(dim, blocks)?;
        }
        let k = clamp_k(k, blocks);
        if dim == 0 {
            return self.random_top_k(blocks, k, seed, cancel);
        }
        let job = Job {
            engine: self,
            blocks,
            k,
            seed,
            cancel,
        };
        let mut ranked = Ranked::default();
        if let Some(state) = state.filter(|state| state.centres() > 0) {
            farthest(job, state, others.centres, &mut ranked)?;
            return Ok(ranked);
        }
        if others.centres() == 0 {
            ranked = self.random_top_k(blocks, k.min(1), seed, cancel)?;
            for (&block, &row) in ranked.block.iter().zip(&ranked.row) {
                let vectors = &blocks[block as usize].vectors;
                others.centres.push(vectors, row as usize, self.level());
            }
        }
        if others.centres() > 0 {
            farthest(job, &mut others, Packed::empty(dim), &mut ranked)?;
        }
        Ok(ranked)
    }
}

/// Fill up `ranked` to `k` rows.
fn farthest(
    job: Job<'_>,
    known: &mut Nearness,
    others: Packed<'static>,
    ranked: &mut Ranked,
) -> Result<()> {
    if ranked.row.len() >= job.k {
        return Ok(());
    }
    known.cover(job.blocks)?;
    let mut closed: Vec<bool> = job.blocks.iter().flat_map(Block::excluded).collect();
    let rows = Rows::new(job.blocks);
    for (&block, &row) in ranked.block.iter().zip(&ranked.row) {
        closed[rows.place(block as usize, row as usize)] = true;
    }
    let mut frontier = Frontier::new(job, known, others, closed);
    while ranked.row.len() < job.k {
        job.cancel.check()?;
        let Some((entry, (block, row))) = frontier.next()? else {
            break;
        };
        let pick = Candidate {
            score: entry.bound,
            tie: entry.tie,
            block,
            row,
        };
        ranked.push(&pick, entry.bound.sqrt());
        frontier.push(block, row);
    }
    Ok(())
}
