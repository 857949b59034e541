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
use super::hash::keyed_hash;
use super::nearness::Nearness;
use super::product::Packed;
use super::refresh::{Entry, Rows};
use super::top_k::{Candidate, Ranked, clamp_k};
use super::vectors::Vectors;
use super::{Cancel, Engine, Result};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Rows in the heap at first, per pick and at least.
const AHEAD: (usize, usize) = (16, 4096);
/// Rows to bring up to date at once, at least and at most.
const BATCH: (usize, usize) = (16, 8192);

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    /// The farthest last; of equally far ones the smallest keyed hash, then the first row.
    fn cmp(&self, other: &Self) -> Ordering {
        let gap = self.bound.total_cmp(&other.bound);
        gap.then_with(|| (other.tie, other.place).cmp(&(self.tie, self.place)))
    }
}

/// The rows that may be the farthest.
struct Frontier<'a> {
    engine: &'a Engine,
    blocks: &'a [Block<'a>],
    rows: Rows<'a>,
    known: &'a mut Nearness,
    /// Centres beyond those of `known`.
    others: Packed<'static>,
    seed: u64,
    cancel: &'a Cancel,
    heap: BinaryHeap<Entry>,
    /// Rows outside the heap are nearer than this; 0 once there are none.
    floor: f32,
    ahead: usize,
    /// Rows that are excluded or in the heap or were picked.
    closed: Vec<bool>,
}

impl Frontier<'_> {
    /// The farthest row, which leaves the frontier.
    fn next(&mut self) -> Result<Option<Entry>> {
        let mut size = BATCH.0;
        loop {
            match self.heap.peek() {
                Some(top) if top.bound >= self.floor && self.is_fresh(top) => {
                    return Ok(self.heap.pop());
                }
                Some(top) if top.bound >= self.floor => {
                    self.refresh(size)?;
                    size = (2 * size).min(BATCH.1);
                }
                None if self.floor <= 0.0 => return Ok(None),
                _ => self.widen(),
            }
        }
    }

    /// Whether the bound is the distance. Nothing is nearer than 0.
    fn is_fresh(&self, entry: &Entry) -> bool {
        let all = self.known.centres() + self.others.rows();
        entry.bound <= 0.0 || entry.seen as usize == all
    }

    fn refresh(&mut self, size: usize) -> Result<()> {
        let (mut stale, mut enough) = (Vec::with_capacity(size), 0.0);
        while stale.len() < size
            && let Some(top) = self.heap.peek()
            && top.bound >= self.floor
        {
            if self.is_fresh(top) {
                enough = top.bound;
                break;
            }
            stale.extend(self.heap.pop());
        }
        let (engine, rows, others) = (self.engine, &self.rows, &self.others);
        self.known
            .refresh(engine, rows, others, &mut stale, enough, self.cancel)?;
        self.heap.extend(stale);
        Ok(())
    }

    /// Lower the floor, so that more rows come into the heap.
    fn widen(&mut self) {
        let mut counts = vec![0_usize; 1 << 16];
        let bounds = self.known.bound.iter().zip(&self.closed);
        for (bound, _) in bounds.filter(|&(_, &closed)| !closed) {
            // Bits of positive numbers are ordered as the numbers are.
            counts[(bound.to_bits() >> 16) as usize] += 1;
        }
        let mut left = self.ahead;
        self.ahead *= 8;
        let enough = counts.iter().rposition(|&count| {
            left = left.saturating_sub(count);
            left == 0
        });
        self.floor = f32::from_bits((enough.unwrap_or(0) as u32) << 16);
        let mut place = 0;
        for block in self.blocks {
            for &id_hash in block.id_hash {
                if !self.closed[place] && self.known.bound[place] >= self.floor {
                    let tie = keyed_hash(id_hash, self.seed);
                    self.heap.push(self.known.entry(place, tie));
                    self.closed[place] = true;
                }
                place += 1;
            }
        }
    }

    /// Up to `k` picks.
    fn picks(mut self, k: usize, ranked: &mut Ranked) -> Result<()> {
        while ranked.row.len() < k {
            self.cancel.check()?;
            let Some(entry) = self.next()? else {
                break;
            };
            let (block, row) = self.rows.find(entry.place);
            let pick = Candidate {
                score: entry.bound,
                tie: entry.tie,
                block,
                row,
            };
            ranked.push(&pick, entry.bound.sqrt());
            let vectors = &self.blocks[block].vectors;
            self.others.push(vectors, row, self.engine.level());
        }
        Ok(())
    }
}

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
        let mut ranked = Ranked::default();
        if let Some(state) = state.filter(|state| state.centres() > 0) {
            self.farthest(blocks, state, others.centres, k, seed, cancel, &mut ranked)?;
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
            let none = Packed::empty(dim);
            self.farthest(blocks, &mut others, none, k, seed, cancel, &mut ranked)?;
        }
        Ok(ranked)
    }

    /// Fill up `ranked` to `k` rows.
    #[expect(clippy::too_many_arguments, reason = "all of them are needed")]
    fn farthest(
        &self,
        blocks: &[Block<'_>],
        known: &mut Nearness,
        others: Packed<'static>,
        k: usize,
        seed: u64,
        cancel: &Cancel,
        ranked: &mut Ranked,
    ) -> Result<()> {
        if ranked.row.len() >= k {
            return Ok(());
        }
        known.first_pass(self, blocks, cancel)?;
        let rows = Rows::new(blocks);
        let mut closed: Vec<bool> = blocks.iter().flat_map(Block::excluded).collect();
        for (&block, &row) in ranked.block.iter().zip(&ranked.row) {
            closed[rows.place(block as usize, row as usize)] = true;
        }
        let frontier = Frontier {
            engine: self,
            blocks,
            rows,
            closed,
            known,
            others,
            seed,
            cancel,
            heap: BinaryHeap::new(),
            floor: f32::INFINITY,
            ahead: AHEAD.0.saturating_mul(k).max(AHEAD.1),
        };
        frontier.picks(k, ranked)
    }
}
