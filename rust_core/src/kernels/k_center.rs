//! Greedy farthest-first selection: Gonzalez, "Clustering to minimize the maximum intercluster
//! distance", 1985; as a batch strategy Sener and Savarese, "Core-Set", ICLR 2018.
//!
//! Every row keeps its squared distance to the nearest centre; a pick is one pass that updates
//! these and finds the next farthest. Distances are direct differences: the expansion
//! `|a|^2 + |b|^2 - 2ab` cancels for near-duplicates.

use super::aligned::{Aligned, padded};
use super::block::{Block, Chunk, chunks};
use super::error::same_length;
use super::hash::keyed_hash;
use super::simd::{Kernel, Simd};
use super::top_k::{Candidate, Ranked, clamp_k};
use super::vectors::{TILE_ROWS, Tile, Vectors};
use super::{Cancel, Engine, Error, Result};
use rayon::prelude::*;
use std::cmp::Ordering;

/// The distance of a row that must not be picked, or was.
const CLOSED: f32 = -1.0;

/// A chunk with the squared distance of each of its rows to the nearest centre: infinite while
/// there is none.
struct Part<'a> {
    chunk: Chunk<'a>,
    nearest: Vec<f32>,
}

impl<'a> Part<'a> {
    fn new(chunk: Chunk<'a>) -> Self {
        let rows = chunk.start..chunk.start + chunk.len;
        let open = |row| {
            if chunk.of.is_excluded(row) {
                CLOSED
            } else {
                f32::INFINITY
            }
        };
        Self {
            chunk,
            nearest: rows.map(open).collect(),
        }
    }

    fn farthest(&self, key: u64) -> Option<Candidate> {
        let mut best: Option<Candidate> = None;
        for (row, &score) in (self.chunk.start..).zip(&self.nearest) {
            if score < 0.0 || best.is_some_and(|best| score < best.score) {
                continue;
            }
            let candidate = Candidate {
                score,
                tie: keyed_hash(self.chunk.of.id_hash[row], key),
                block: self.chunk.block,
                row,
            };
            best = better(best, Some(candidate));
        }
        best
    }
}

fn better(a: Option<Candidate>, b: Option<Candidate>) -> Option<Candidate> {
    match (a, b) {
        (Some(a), Some(b)) if b.best_first(&a) == Ordering::Less => Some(b),
        (None, b) => b,
        (a, _) => a,
    }
}

/// Centres, each padded to `wide` values.
#[derive(Debug, Clone, Copy)]
struct Centres<'a> {
    values: &'a [f32],
    wide: usize,
    count: usize,
}

/// Bring a part's distances up to date with some more centres.
struct Update<'a, 'p> {
    part: &'a mut Part<'p>,
    centres: Centres<'a>,
    scratch: &'a mut Aligned,
    cancel: &'a Cancel,
}

impl Kernel for Update<'_, '_> {
    type Output = Result<()>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Result<()> {
        let Self {
            part,
            centres,
            scratch,
            cancel,
        } = self;
        let start = part.chunk.start;
        let vectors = &part.chunk.of.vectors;
        for (index, nearest) in part.nearest.chunks_mut(TILE_ROWS).enumerate() {
            cancel.check()?;
            if nearest.iter().all(|&d| d < 0.0) {
                continue;
            }
            let first = start + index * TILE_ROWS;
            let tile = vectors.tile(s, first, nearest.len(), scratch);
            nearer(s, &tile, centres, nearest);
        }
        Ok(())
    }
}

#[inline(always)]
fn nearer<S: Simd>(s: S, tile: &Tile<'_>, centres: Centres<'_>, nearest: &mut [f32]) {
    let wide = centres.wide;
    for (group, nearest) in nearest.chunks_mut(4).enumerate() {
        let rows = tile.four(group * 4);
        for centre in 0..centres.count {
            let centre = &centres.values[centre * wide..(centre + 1) * wide];
            let squared = squared_distances(s, rows, centre);
            for (nearest, squared) in nearest.iter_mut().zip(squared) {
                // Finite even where the squares overflow: infinite means "no centre yet".
                let squared = squared.min(f32::MAX);
                if squared < *nearest {
                    *nearest = squared;
                }
            }
        }
    }
}

#[inline(always)]
fn squared_distances<S: Simd>(s: S, rows: [&[f32]; 4], centre: &[f32]) -> [f32; 4] {
    let wide = centre.len();
    let rows = rows.map(|row| row[..wide].as_ptr());
    let mut acc = [s.splat(0.0); 4];
    for at in (0..wide).step_by(S::LANES) {
        // SAFETY: rows and centre have `wide` values (the rows by the slicing above); `wide` is
        // a multiple of `LANES` and `at` a smaller one.
        unsafe {
            let c = s.load(centre.as_ptr().add(at));
            for (acc, row) in acc.iter_mut().zip(rows) {
                // The next four rows: four streams at once are too many for the hardware.
                s.prefetch(row.wrapping_add(4 * wide + at).cast());
                let gap = s.sub(s.load(row.add(at)), c);
                *acc = s.fma(gap, gap, *acc);
            }
        }
    }
    s.sums(acc)
}

impl Engine {
    /// `k` rows, each the farthest from the anchors and the picks before it; fewer only if there
    /// are fewer that may be chosen. The score is the distance at the time of picking, and 0 for
    /// a first pick without anchors, which is the smallest keyed hash.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if blocks and anchors differ in dimension; [`Error::NotFinite`] if an
    /// anchor is not finite; [`Error::Cancelled`].
    pub fn k_center(
        &self,
        blocks: &[Block<'_>],
        anchors: &Vectors<'_>,
        k: usize,
        seed: u64,
        cancel: &Cancel,
    ) -> Result<Ranked> {
        let dim = anchors.dim();
        for block in blocks {
            same_length("dimension of a block", dim, block.vectors.dim())?;
        }
        if let Some(row) = anchors.first_nonfinite(self.level()) {
            return Err(Error::NotFinite {
                what: "anchors (row)",
                position: row,
            });
        }
        let k = clamp_k(k, blocks);
        let mut ranked = Ranked::default();
        if k == 0 {
            return Ok(ranked);
        }
        let mut parts: Vec<Part<'_>> = chunks(blocks, 1).into_iter().map(Part::new).collect();
        let mut centres = pack(anchors);
        let mut next = self.pass(&mut parts, &centres, dim, anchors.rows(), seed, cancel)?;
        while let Some(pick) = next {
            ranked.push(&pick, distance(pick.score));
            if ranked.row.len() == k {
                break;
            }
            close(&mut parts, &pick);
            blocks[pick.block]
                .vectors
                .copy_row(pick.row, centres.as_mut_slice());
            next = self.pass(&mut parts, &centres, dim, 1, seed, cancel)?;
        }
        Ok(ranked)
    }

    fn pass(
        &self,
        parts: &mut [Part<'_>],
        centres: &Aligned,
        dim: usize,
        count: usize,
        seed: u64,
        cancel: &Cancel,
    ) -> Result<Option<Candidate>> {
        let centres = Centres {
            values: centres.as_slice(),
            wide: padded(dim),
            count,
        };
        self.install(|| {
            parts
                .par_iter_mut()
                .map_init(Aligned::default, |scratch, part| {
                    self.level().run(Update {
                        part,
                        centres,
                        scratch,
                        cancel,
                    })?;
                    Ok(part.farthest(seed))
                })
                .try_reduce(|| None, |a, b| Ok(better(a, b)))
        })
    }
}

/// Anchors, padded; room for at least one centre.
fn pack(anchors: &Vectors<'_>) -> Aligned {
    let wide = padded(anchors.dim());
    let mut packed = Aligned::zeros(wide * anchors.rows().max(1));
    if wide > 0 {
        let rows = packed.as_mut_slice().chunks_exact_mut(wide);
        for (row, to) in (0..anchors.rows()).zip(rows) {
            anchors.copy_row(row, to);
        }
    }
    packed
}

fn close(parts: &mut [Part<'_>], pick: &Candidate) {
    let place = (pick.block, pick.row);
    let after = parts.partition_point(|part| (part.chunk.block, part.chunk.start) <= place);
    let part = &mut parts[after - 1];
    part.nearest[pick.row - part.chunk.start] = CLOSED;
}

fn distance(squared: f32) -> f32 {
    if squared.is_finite() {
        squared.sqrt()
    } else {
        0.0
    }
}
