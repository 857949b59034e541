//! Bringing chosen rows up to date with all centres, as far as they still matter.

use super::aligned::{Aligned, padded};
use super::block::Block;
use super::nearness::{Nearness, Scratch, nearer};
use super::product::Packed;
use super::simd::{Kernel, Simd};
use super::vectors::{TILE_ROWS, Tile};
use super::{Cancel, Engine, Result};
use rayon::prelude::*;
use std::ops::Range;

/// Centres between two looks at which rows still matter, at least and at most: two register
/// tiles where rows leave soon, more where few leave and collecting the others costs most.
const STRIDE: (usize, usize) = (12, 48);
/// The stride grows unless one of so many rows left within it.
const LEAVE: usize = 4;
/// Entries per task, which share their tiles.
const TASK: usize = 8 * TILE_ROWS;

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
    pub(super) kept: Option<(f32, u32)>,
}

impl Entry {
    pub(super) fn new(place: usize, bound: f32, seen: u32) -> Self {
        Self {
            bound,
            seen,
            tie: 0,
            place,
            kept: None,
        }
    }
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

    /// The rows of up to 16 entries as a tile: in place where they are neighbours.
    #[inline(always)]
    fn tile<'t, S: Simd>(
        &self,
        s: S,
        entries: &[Entry],
        chosen: &[u32],
        scratch: &'t mut Aligned,
    ) -> Tile<'t>
    where
        'a: 't,
    {
        let place = |at: usize| entries[chosen[at] as usize].place;
        let (block, row) = self.find(place(0));
        let vectors = &self.blocks[block].vectors;
        let last = chosen.len() - 1;
        let neighbours = (1..=last).all(|at| place(at) == place(0) + at);
        if neighbours && row + last < vectors.rows() {
            return vectors.tile(s, row, chosen.len(), scratch);
        }
        let wide = padded(vectors.dim());
        scratch.grow(TILE_ROWS * wide);
        let values = scratch.as_mut_slice().chunks_exact_mut(wide);
        for (at, to) in (0..=last).zip(values) {
            let (block, row) = self.find(place(at));
            self.blocks[block].vectors.widen_row(s, row, to);
        }
        Tile::new(&scratch.as_slice()[..(last + 1) * wide], wide, last + 1)
    }
}

/// The rows of a pool and the centres to compare them with: those of a [`Nearness`], and others.
#[derive(Clone, Copy)]
pub(super) struct Against<'a, 'c> {
    pub(super) rows: &'a Rows<'a>,
    pub(super) own: &'a Packed<'c>,
    pub(super) others: &'a Packed<'c>,
    /// Rows nearer than this do not matter.
    pub(super) enough: f32,
    pub(super) cancel: &'a Cancel,
}

impl Against<'_, '_> {
    /// Bring entries up to date, or to where they are nearer than `enough`. After a few centres
    /// those that still matter close ranks, so that the products are of full tiles.
    #[inline(always)]
    pub(super) fn bring<S: Simd>(
        &self,
        s: S,
        entries: &mut [Entry],
        scratch: &mut Scratch,
    ) -> Result<()> {
        let first = entries.iter().map(|entry| entry.seen).min();
        let mut at = first.unwrap_or(0) as usize;
        let mut stride = STRIDE.0;
        scratch.live.clear();
        scratch.live.extend(0..entries.len() as u32);
        while let Some((list, span)) = self.span(at, stride) {
            at = list * self.own.rows() + span.end;
            let Scratch { live, due, .. } = &mut *scratch;
            due.clear();
            due.extend(
                live.iter()
                    .filter(|&&row| (entries[row as usize].seen as usize) < at),
            );
            self.compare_all(s, entries, list, &span, scratch)?;
            let matters = |row: &u32| entries[*row as usize].bound >= self.enough;
            let left = scratch.due.iter().filter(|row| !matters(row)).count();
            stride = wider(stride, left, scratch.due.len());
            scratch.live.retain(matters);
            if scratch.live.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// The list of centre `at`, counted through both lists, and up to `stride` of it from there.
    fn span(&self, at: usize, stride: usize) -> Option<(usize, Range<usize>)> {
        let own = self.own.rows();
        let (list, start, end) = if at < own {
            (0, at, own)
        } else {
            (1, at - own, self.others.rows())
        };
        (start < end).then(|| (list, start..(start + stride).min(end)))
    }

    /// Compare the entries that are due with some centres.
    #[inline(always)]
    fn compare_all<S: Simd>(
        &self,
        s: S,
        entries: &mut [Entry],
        list: usize,
        span: &Range<usize>,
        scratch: &mut Scratch,
    ) -> Result<()> {
        for at in (0..scratch.due.len()).step_by(TILE_ROWS) {
            self.cancel.check()?;
            let to = (at + TILE_ROWS).min(scratch.due.len());
            self.compare(s, entries, at..to, list, span.clone(), scratch);
        }
        Ok(())
    }

    /// Compare the entries of a tile, places `chosen` of those that are due, with some centres.
    #[inline(always)]
    fn compare<S: Simd>(
        &self,
        s: S,
        entries: &mut [Entry],
        chosen: Range<usize>,
        list: usize,
        span: Range<usize>,
        scratch: &mut Scratch,
    ) {
        let Scratch {
            tile, lower, due, ..
        } = scratch;
        let chosen = &due[chosen];
        let tile = self.rows.tile(s, entries, chosen, tile);
        let mut bound = [0.0; TILE_ROWS];
        let bound = &mut bound[..chosen.len()];
        for (bound, &at) in bound.iter_mut().zip(chosen) {
            *bound = entries[at as usize].bound;
        }
        let centres = [self.own, self.others][list];
        let end = (list * self.own.rows() + span.end) as u32;
        nearer(s, &tile, centres, span, lower, bound);
        for (&at, &bound) in chosen.iter().zip(&*bound) {
            let entry = &mut entries[at as usize];
            (entry.bound, entry.seen) = (bound, end);
            if list == 0 {
                entry.kept = Some((bound, end));
            }
        }
    }
}

/// How many centres next, when of `due` rows so many have `left`.
fn wider(stride: usize, left: usize, due: usize) -> usize {
    if left * LEAVE < due {
        (2 * stride).min(STRIDE.1)
    } else {
        STRIDE.0
    }
}

impl Nearness {
    pub(crate) fn entry(&self, place: usize) -> Entry {
        Entry::new(place, self.bound[place], self.seen[place])
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
        // Neighbours in memory, and equally far behind.
        entries.sort_unstable_by_key(|entry| (entry.seen, entry.place));
        let against = Against {
            rows,
            own: &self.centres,
            others,
            enough,
            cancel,
        };
        let work = |scratch: &mut Scratch, entries: &mut [Entry]| {
            engine.level().run(Refresh {
                against,
                entries,
                scratch,
            })
        };
        if entries.len() <= TILE_ROWS {
            work(&mut Scratch::default(), entries)?;
        } else {
            engine.install(|| {
                let tasks = entries.par_chunks_mut(TASK);
                tasks.try_for_each_init(Scratch::default, work)
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

/// Bring the entries of one task up to date.
struct Refresh<'a, 'c> {
    against: Against<'a, 'c>,
    entries: &'a mut [Entry],
    scratch: &'a mut Scratch,
}

impl Kernel for Refresh<'_, '_> {
    type Output = Result<()>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Result<()> {
        self.against.bring(s, self.entries, self.scratch)
    }
}
