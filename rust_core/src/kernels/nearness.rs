//! What is known of the distance of each row to the nearest of a growing list of centres.
//!
//! Distances only shrink as centres are added, so that a distance to the first few of them is an
//! upper bound of the distance to all. A row is brought up to date only when somebody asks.

use super::aligned::Aligned;
use super::block::Block;
use super::error::{same_length, zeros};
use super::product::{Packed, squared, tile_norms};
use super::simd::Simd;
use super::vectors::{TILE_ROWS, Tile, Vectors};
use super::{Error, Level, Result};
use std::ops::Range;

/// Bounds that can be kept while labels are added: 8 bytes per row.
#[derive(Debug)]
pub struct Nearness {
    pub(crate) centres: Packed<'static>,
    dim: usize,
    /// Rows of each block; empty until there was a selection.
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

    /// Room for what will be known of each row.
    pub(crate) fn cover(&mut self, blocks: &[Block<'_>]) -> Result<()> {
        if self.lengths.is_empty() {
            let rows = blocks.iter().map(Block::rows).sum();
            self.bound = zeros(rows)?;
            self.bound.fill(f32::INFINITY);
            self.seen = vec![0; rows];
            self.lengths = blocks.iter().map(Block::rows).collect();
        }
        Ok(())
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
    /// Entries that still matter, and those of them that are to be compared next.
    pub(super) live: Vec<u32>,
    pub(super) due: Vec<u32>,
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
    let lowest = lowest(s, lower);
    for (row, bound) in bound.iter_mut().enumerate() {
        if lowest[row] >= *bound {
            continue;
        }
        // The nearest by its lower bound first: hardly ever is another one nearer still.
        let mut column = lower[row..].iter().step_by(TILE_ROWS);
        let likely = column.position(|&x| x <= lowest[row]).unwrap_or(0);
        *bound = bound.min(squared(s, tile.row(row), centres.row(span.start + likely)));
        let column = lower[row..].iter().step_by(TILE_ROWS);
        for (centre, &lower) in column.enumerate() {
            if lower < *bound && centre != likely {
                *bound = bound.min(squared(s, tile.row(row), centres.row(span.start + centre)));
            }
        }
    }
}

/// Per row the lowest of its bounds.
#[inline(always)]
fn lowest<S: Simd>(s: S, bounds: &[f32]) -> [f32; TILE_ROWS] {
    let mut lowest = [f32::INFINITY; TILE_ROWS];
    for (lane, lowest) in lowest.chunks_exact_mut(S::LANES).enumerate() {
        let mut least = s.splat(f32::INFINITY);
        for bounds in bounds.chunks_exact(TILE_ROWS) {
            let bounds = &bounds[lane * S::LANES..(lane + 1) * S::LANES];
            // SAFETY: the slice has exactly `LANES` floats.
            least = s.min(least, unsafe { s.load(bounds.as_ptr()) });
        }
        // SAFETY: the chunk has exactly `LANES` floats.
        unsafe { s.store(lowest.as_mut_ptr(), least) }
    }
    lowest
}
