//! A block: the rows of one segment, and which of them must not be chosen.

use super::Result;
use super::error::same_length;
use super::vectors::{TILE_ROWS, Vectors};

/// Borrowed rows with their ids' hashes and a bitmap of those that must not be chosen.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    pub(crate) vectors: Vectors<'a>,
    pub(crate) id_hash: &'a [u64],
    excluded: &'a [u8],
}

impl<'a> Block<'a> {
    /// Check that the three agree: one hash per row, one bit per row (lowest bit first).
    ///
    /// # Errors
    ///
    /// [`super::Error::Shape`] if they do not.
    pub fn new(vectors: Vectors<'a>, id_hash: &'a [u64], excluded: &'a [u8]) -> Result<Self> {
        same_length("id_hash of a block", vectors.rows(), id_hash.len())?;
        let bytes = vectors.rows().div_ceil(8);
        same_length("bytes of excluded of a block", bytes, excluded.len())?;
        Ok(Self {
            vectors,
            id_hash,
            excluded,
        })
    }

    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.vectors.rows()
    }

    #[inline(always)]
    pub(crate) fn is_excluded(&self, row: usize) -> bool {
        self.excluded[row / 8] >> (row % 8) & 1 == 1
    }

    /// Of each row whether it must not be chosen.
    pub(crate) fn excluded(&self) -> impl Iterator<Item = bool> + use<'_> {
        (0..self.rows()).map(|row| self.is_excluded(row))
    }

    /// Whether none of the 16 rows from `start`, a multiple of 8, may be chosen.
    #[inline(always)]
    pub(crate) fn all_excluded(&self, start: usize) -> bool {
        let end = (start + TILE_ROWS).min(self.rows());
        let bytes = &self.excluded[start / 8..end.div_ceil(8)];
        if end - start == TILE_ROWS {
            return bytes.iter().all(|&byte| byte == u8::MAX);
        }
        (start..end).all(|row| self.is_excluded(row))
    }
}

/// Rows `start..start + len` of block number `block`: what one thread takes at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunk<'a> {
    pub(crate) block: usize,
    pub(crate) start: usize,
    pub(crate) len: usize,
    pub(crate) of: &'a Block<'a>,
}

/// Bytes of vectors per chunk: they stay in the second-level cache.
const CHUNK_BYTES: usize = 256 << 10;
/// Multiply-adds per chunk: below a millisecond even without vector instructions.
const CHUNK_WORK: usize = 4 << 20;

/// Cut blocks into chunks of whole tiles; `width` is multiply-adds per value of a row.
pub(crate) fn chunks<'a>(blocks: &'a [Block<'a>], width: usize) -> Vec<Chunk<'a>> {
    let mut cut = Vec::new();
    for (block, of) in blocks.iter().enumerate() {
        let rows = rows_per_chunk(&of.vectors, width);
        for start in (0..of.rows()).step_by(rows) {
            cut.push(Chunk {
                block,
                start,
                len: rows.min(of.rows() - start),
                of,
            });
        }
    }
    cut
}

/// A multiple of 16.
pub(crate) fn rows_per_chunk(vectors: &Vectors<'_>, width: usize) -> usize {
    let by_size = CHUNK_BYTES / vectors.bytes_per_row().max(8);
    let by_work = CHUNK_WORK / vectors.dim().saturating_mul(width).max(1);
    by_size.min(by_work).max(1).next_multiple_of(TILE_ROWS)
}
