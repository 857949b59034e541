//! The pool pass: logits, softmax, measure and running top-k in one reading of the vectors.

use super::aligned::Aligned;
use super::block::{Block, Chunk, chunks, rows_per_chunk};
use super::error::{same_length, zeros};
use super::head::Head;
use super::measure::{Measure, softmax};
use super::simd::{Kernel, Simd};
use super::top_k::{Ranked, TopK, clamp_k};
use super::vectors::{TILE_ROWS, Vectors};
use super::{Cancel, Engine, Result};
use rayon::prelude::*;

/// What a worker needs beside the rows: a widened tile and its logits.
#[derive(Debug, Default)]
struct Scratch {
    tile: Aligned,
    logits: Aligned,
}

/// Visit 16 rows at a time with their logits.
struct Pass<'a, Skip, Visit> {
    vectors: &'a Vectors<'a>,
    start: usize,
    len: usize,
    head: &'a Head,
    scratch: &'a mut Scratch,
    skip: Skip,
    visit: Visit,
}

/// What to do with the logits of a tile; a trait because closures cannot be generic.
trait Visit {
    fn tile<S: Simd>(&mut self, s: S, start: usize, count: usize, logits: &mut [f32]);
}

impl<Skip: Fn(usize) -> bool, V: Visit> Kernel for Pass<'_, Skip, V> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let Scratch { tile, logits } = self.scratch;
        let size = self.head.classes() * TILE_ROWS;
        logits.grow(size);
        let logits = &mut logits.as_mut_slice()[..size];
        let end = self.start + self.len;
        for start in (self.start..end).step_by(TILE_ROWS) {
            if (self.skip)(start) {
                continue;
            }
            let count = TILE_ROWS.min(end - start);
            let tile = self.vectors.tile(s, start, count, tile);
            let ahead = self.vectors.ahead(start + TILE_ROWS);
            self.head.logits(s, &tile, ahead, logits);
            self.visit.tile(s, start, count, logits);
        }
    }
}

struct Offer<'a> {
    measure: Measure,
    chunk: &'a Chunk<'a>,
    top: &'a mut TopK,
}

impl Visit for Offer<'_> {
    #[inline(always)]
    fn tile<S: Simd>(&mut self, s: S, start: usize, count: usize, logits: &mut [f32]) {
        let scores = self.measure.scores(s, logits);
        self.top.offer(self.chunk, start, &scores[..count]);
    }
}

/// What to write for every row.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    Score(Measure),
    Probabilities { classes: usize },
}

impl Wanted {
    fn width(self) -> usize {
        match self {
            Self::Score(_) => 1,
            Self::Probabilities { classes } => classes,
        }
    }
}

struct Write<'a> {
    wanted: Wanted,
    first: usize,
    out: &'a mut [f32],
}

impl Visit for Write<'_> {
    #[inline(always)]
    fn tile<S: Simd>(&mut self, s: S, start: usize, count: usize, logits: &mut [f32]) {
        let width = self.wanted.width();
        let at = (start - self.first) * width;
        let out = &mut self.out[at..at + count * width];
        match self.wanted {
            Wanted::Score(measure) => {
                let scores = measure.scores(s, logits);
                out.copy_from_slice(&scores[..count]);
            }
            Wanted::Probabilities { classes } => {
                softmax(s, logits);
                for (r, row) in out.chunks_exact_mut(classes).enumerate() {
                    for (c, p) in row.iter_mut().enumerate() {
                        *p = logits[c * TILE_ROWS + r];
                    }
                }
            }
        }
    }
}

impl Engine {
    /// The `k` rows with the highest measure, read once.
    ///
    /// # Errors
    ///
    /// [`super::Error::Shape`] if a block has another dimension than the head;
    /// [`super::Error::Cancelled`].
    pub fn score_top_k(
        &self,
        blocks: &[Block<'_>],
        head: &Head,
        measure: Measure,
        k: usize,
        seed: u64,
        cancel: &Cancel,
    ) -> Result<Ranked> {
        for block in blocks {
            same_length("dimension of a block", head.dim(), block.vectors.dim())?;
        }
        let k = clamp_k(k, blocks);
        let cut = chunks(blocks, head.classes());
        let fresh = || (TopK::new(k, seed), Scratch::default());
        let best = self.install(|| {
            cut.par_iter()
                .try_fold(fresh, |(mut top, mut scratch), chunk| {
                    cancel.check()?;
                    self.level().run(Pass {
                        vectors: &chunk.of.vectors,
                        start: chunk.start,
                        len: chunk.len,
                        head,
                        scratch: &mut scratch,
                        skip: |start| chunk.of.all_excluded(start),
                        visit: Offer {
                            measure,
                            chunk,
                            top: &mut top,
                        },
                    });
                    Ok((top, scratch))
                })
                .map(|worker| worker.map(|(top, _)| top))
                .try_reduce(|| TopK::new(k, seed), |a, b| Ok(a.merge(b)))
        })?;
        Ok(best.into_ranked())
    }

    /// The measure of every row.
    ///
    /// # Errors
    ///
    /// [`super::Error::Shape`] if vectors and head have different dimensions.
    pub fn measure_scores(
        &self,
        vectors: &Vectors<'_>,
        head: &Head,
        measure: Measure,
    ) -> Result<Vec<f32>> {
        self.map_rows(vectors, head, Wanted::Score(measure))
    }

    /// The softmax of every row: `rows` times `classes` values.
    ///
    /// # Errors
    ///
    /// [`super::Error::Shape`] if vectors and head have different dimensions.
    pub fn probabilities(&self, vectors: &Vectors<'_>, head: &Head) -> Result<Vec<f32>> {
        let classes = head.classes();
        self.map_rows(vectors, head, Wanted::Probabilities { classes })
    }

    fn map_rows(&self, vectors: &Vectors<'_>, head: &Head, wanted: Wanted) -> Result<Vec<f32>> {
        same_length("dimension of the vectors", head.dim(), vectors.dim())?;
        let width = wanted.width();
        let mut out = zeros(vectors.rows().saturating_mul(width))?;
        let rows = rows_per_chunk(vectors, head.classes());
        self.install(|| {
            out.par_chunks_mut(rows * width).enumerate().for_each_init(
                Scratch::default,
                |scratch, (index, out)| {
                    self.level().run(Pass {
                        vectors,
                        start: index * rows,
                        len: out.len() / width,
                        head,
                        scratch,
                        skip: |_| false,
                        visit: Write {
                            wanted,
                            first: index * rows,
                            out,
                        },
                    });
                },
            );
        });
        Ok(out)
    }
}
