//! What is known of the distance of each row to the nearest of a growing list of centres.
//!
//! Distances only shrink as centres are added, so that a distance to the first few of them is an
//! upper bound of the distance to all. A row is brought up to date only when somebody asks.

use super::aligned::Aligned;
use super::block::{Block, Chunk, chunks};
use super::error::{same_length, zeros};
use super::product::{Packed, squared, tile_norms};
use super::simd::{Kernel, Simd};
use super::vectors::{TILE_ROWS, Tile, Vectors};
use super::{Cancel, Engine, Error, Level, Result};
use rayon::prelude::*;
use std::ops::Range;

/// Centres of the first pass: about as many as cost no more than reading the rows.
const FIRST: usize = 32;

/// Bounds that can be kept while labels are added: 8 bytes per row.
#[derive(Debug)]
pub struct Nearness {
    pub(crate) centres: Packed<'static>,
    dim: usize,
    /// Rows of each block; empty until there was a first pass.
    lengths: Vec<usize>,
    /// The squared distance of each row of each block to the nearest of the first `seen`
    /// centres; infinite where that is none.
    pub(crate) bound: Vec<f32>,
    pub(super) seen: Vec<u32>,
}

impl Nearness {
    /// No centres yet, of `dim` values each.
    #[must_use]
    pub fn new(dim: usize) -> Self {
        Self {
            centres: Packed::empty(dim),
            dim,
            lengths: Vec::new(),
            bound: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// How many centres.
    #[must_use]
    pub fn centres(&self) -> usize {
        self.centres.rows()
    }

    /// Add centres.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if they have another dimension; [`Error::NotFinite`].
    pub fn advance(&mut self, centres: &Vectors<'_>) -> Result<()> {
        same_length("dimension of the anchors", self.dim, centres.dim())?;
        let level = Level::detect();
        if let Some(position) = centres.first_nonfinite(level) {
            let what = "anchors (row)";
            return Err(Error::NotFinite { what, position });
        }
        for row in 0..centres.rows() {
            self.centres.push(centres, row, level);
        }
        Ok(())
    }

    /// See that every row that may be chosen has a bound.
    pub(crate) fn first_pass(
        &mut self,
        engine: &Engine,
        blocks: &[Block<'_>],
        cancel: &Cancel,
    ) -> Result<()> {
        if self.lengths.is_empty() {
            self.lengths = blocks.iter().map(Block::rows).collect();
            let rows = self.lengths.iter().sum();
            self.bound = zeros(rows)?;
            self.bound.fill(f32::INFINITY);
            self.seen = vec![0; rows];
        }
        let centres = &self.centres;
        let (mut bound, mut seen) = (&mut self.bound[..], &mut self.seen[..]);
        let mut tasks = Vec::new();
        for chunk in chunks(blocks, FIRST) {
            let (now, rest) = bound.split_at_mut(chunk.len);
            let (now_seen, rest_seen) = seen.split_at_mut(chunk.len);
            (bound, seen) = (rest, rest_seen);
            tasks.push((chunk, now, now_seen));
        }
        engine.install(|| {
            let tasks = tasks.into_par_iter();
            tasks.try_for_each_init(Scratch::default, |scratch, (chunk, bound, seen)| {
                engine.level().run(Start {
                    chunk,
                    centres,
                    bound,
                    seen,
                    scratch,
                    cancel,
                })
            })
        })
    }

    /// Whether these can be the blocks that were seen before.
    pub(crate) fn check(&self, dim: usize, blocks: &[Block<'_>]) -> Result<()> {
        same_length("dimension of the state", dim, self.dim)?;
        if self.lengths.is_empty() {
            return Ok(());
        }
        same_length("blocks of the state", self.lengths.len(), blocks.len())?;
        for (&expected, block) in self.lengths.iter().zip(blocks) {
            same_length("rows of a block of the state", expected, block.rows())?;
        }
        Ok(())
    }
}

/// Scratch of a worker.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) tile: Aligned,
    pub(super) lower: Aligned,
}

/// First bounds of a chunk's rows.
struct Start<'a> {
    chunk: Chunk<'a>,
    centres: &'a Packed<'static>,
    bound: &'a mut [f32],
    seen: &'a mut [u32],
    scratch: &'a mut Scratch,
    cancel: &'a Cancel,
}

impl Kernel for Start<'_> {
    type Output = Result<()>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Result<()> {
        let span = 0..self.centres.rows().min(FIRST);
        let tiles = self.bound.chunks_mut(TILE_ROWS);
        for (at, (bound, seen)) in tiles.zip(self.seen.chunks_mut(TILE_ROWS)).enumerate() {
            self.cancel.check()?;
            let start = self.chunk.start + at * TILE_ROWS;
            let of = self.chunk.of;
            let mut rows = (start..).zip(&*seen);
            if !rows.any(|(row, &seen)| seen == 0 && !of.is_excluded(row)) {
                continue;
            }
            let tile = of
                .vectors
                .tile(s, start, bound.len(), &mut self.scratch.tile);
            let lower = &mut self.scratch.lower;
            // Where more is known already, the first centres do not change it.
            nearer(s, &tile, self.centres, span.clone(), lower, bound);
            for seen in seen.iter_mut().filter(|seen| **seen == 0) {
                *seen = span.end as u32;
            }
        }
        Ok(())
    }
}

/// Lower the squared distances of a tile's rows to the nearest of some more centres.
#[inline(always)]
pub(super) fn nearer<S: Simd>(
    s: S,
    tile: &Tile<'_>,
    centres: &Packed<'_>,
    span: Range<usize>,
    scratch: &mut Aligned,
    bound: &mut [f32],
) {
    scratch.grow(span.len() * TILE_ROWS);
    let lower = &mut scratch.as_mut_slice()[..span.len() * TILE_ROWS];
    centres.lower(s, tile, &tile_norms(s, tile), span.clone(), lower);
    for (centre, lower) in span.zip(lower.chunks_exact(TILE_ROWS)) {
        for (row, bound) in bound.iter_mut().enumerate() {
            if lower[row] < *bound {
                *bound = bound.min(squared(s, tile.row(row), centres.row(centre)));
            }
        }
    }
}
