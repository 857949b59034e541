//! Bringing chosen rows up to date with all centres, as far as they still matter.

use super::aligned::Aligned;
use super::block::Block;
use super::nearness::{Nearness, Scratch, nearer};
use super::product::Packed;
use super::simd::{Kernel, Simd};
use super::vectors::{TILE_ROWS, Tile};
use super::{Cancel, Engine, Result};
use rayon::prelude::*;
use std::ops::Range;

/// Centres between two looks at whether a row still matters.
const STRIDE: usize = 64;

/// A row of which more is known than its [`Nearness`] says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// Upper bound of the squared distance.
    pub(crate) bound: f32,
    /// Centres that the bound includes: those of the [`Nearness`] first, then the others.
    pub(crate) seen: u32,
    pub(crate) tie: u64,
    /// Of all rows of all blocks.
    pub(crate) place: usize,
    /// What to note: the bound with no other centres than those of the [`Nearness`].
    kept: Option<(f32, u32)>,
}

/// Rows of all blocks, counted through.
pub(crate) struct Rows<'a> {
    blocks: &'a [Block<'a>],
    starts: Vec<usize>,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(blocks: &'a [Block<'a>]) -> Self {
        let mut starts = Vec::with_capacity(blocks.len());
        let mut start = 0;
        for block in blocks {
            starts.push(start);
            start += block.rows();
        }
        Self { blocks, starts }
    }

    pub(crate) fn place(&self, block: usize, row: usize) -> usize {
        self.starts[block] + row
    }

    /// Block and row.
    pub(crate) fn find(&self, place: usize) -> (usize, usize) {
        let block = self.starts.partition_point(|&start| start <= place) - 1;
        (block, place - self.starts[block])
    }
}

impl Nearness {
    pub(crate) fn entry(&self, place: usize, tie: u64) -> Entry {
        Entry {
            bound: self.bound[place],
            seen: self.seen[place],
            tie,
            place,
            kept: None,
        }
    }

    /// Bring entries up to date with all centres, `others` included, or until they are below
    /// `enough`.
    pub(crate) fn refresh(
        &mut self,
        engine: &Engine,
        rows: &Rows<'_>,
        others: &Packed<'_>,
        entries: &mut [Entry],
        enough: f32,
        cancel: &Cancel,
    ) -> Result<()> {
        entries.sort_unstable_by_key(|entry| (entry.seen, entry.place));
        let centres = &self.centres;
        let work = |scratch: &mut Scratch, entries: &mut [Entry]| {
            engine.level().run(Refresh {
                rows,
                lists: [centres, others],
                entries,
                enough,
                scratch,
                cancel,
            })
        };
        if entries.len() <= TILE_ROWS {
            work(&mut Scratch::default(), entries)?;
        } else {
            engine.install(|| {
                let tiles = entries.par_chunks_mut(TILE_ROWS);
                tiles.try_for_each_init(Scratch::default, work)
            })?;
        }
        for entry in entries {
            if let Some((bound, seen)) = entry.kept.take() {
                (self.bound[entry.place], self.seen[entry.place]) = (bound, seen);
            }
        }
        Ok(())
    }
}

/// Bring the entries of one tile up to date.
struct Refresh<'a, 'c> {
    rows: &'a Rows<'a>,
    lists: [&'a Packed<'c>; 2],
    entries: &'a mut [Entry],
    enough: f32,
    scratch: &'a mut Scratch,
    cancel: &'a Cancel,
}

impl Kernel for Refresh<'_, '_> {
    type Output = Result<()>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Result<()> {
        let Scratch { tile, lower } = self.scratch;
        let tile = gathered(self.rows, self.entries, self.lists[0].wide(), tile);
        let mut bound = [0.0; TILE_ROWS];
        let bound = &mut bound[..self.entries.len()];
        for (bound, entry) in bound.iter_mut().zip(&*self.entries) {
            *bound = entry.bound;
        }
        let first = self.entries.iter().map(|entry| entry.seen).min();
        let own = self.lists[0].rows();
        for (list, span) in spans(first.unwrap_or(0) as usize, own, self.lists[1].rows()) {
            if bound.iter().all(|&bound| bound < self.enough) {
                break;
            }
            self.cancel.check()?;
            let end = (list * own + span.end) as u32;
            nearer(s, &tile, self.lists[list], span, lower, bound);
            for (entry, &bound) in self.entries.iter_mut().zip(&*bound) {
                entry.bound = bound;
                if list == 0 && entry.seen < end {
                    entry.kept = Some((bound, end));
                }
                entry.seen = entry.seen.max(end);
            }
        }
        Ok(())
    }
}

/// Pieces of two lists from place `first`, counted through both.
fn spans(first: usize, own: usize, others: usize) -> impl Iterator<Item = (usize, Range<usize>)> {
    let cut = |list, from: usize, end: usize| {
        let starts = (from..end).step_by(STRIDE);
        starts.map(move |start| (list, start..(start + STRIDE).min(end)))
    };
    cut(0, first, own).chain(cut(1, first.saturating_sub(own), others))
}

fn gathered<'t>(
    rows: &Rows<'_>,
    entries: &[Entry],
    wide: usize,
    scratch: &'t mut Aligned,
) -> Tile<'t> {
    scratch.grow(TILE_ROWS * wide);
    let values = scratch.as_mut_slice().chunks_exact_mut(wide);
    for (entry, to) in entries.iter().zip(values) {
        let (block, row) = rows.find(entry.place);
        rows.blocks[block].vectors.copy_row(row, to);
    }
    Tile::new(
        &scratch.as_slice()[..entries.len() * wide],
        wide,
        entries.len(),
    )
}
