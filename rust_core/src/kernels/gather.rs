//! Chosen rows of many blocks as one f32 matrix.

use super::block::Block;
use super::error::{same_length, zeros};
use super::{Engine, Error, Result};
use rayon::prelude::*;

/// Below this many rows a thread's share is not worth waking it.
const ROWS_PER_TASK: usize = 64;

impl Engine {
    /// Rows `row[i]` of blocks `block[i]`, converted to f32; all blocks have dimension `dim`.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if lengths or dimensions disagree; [`Error::OutOfRange`] with the first
    /// index that names no row.
    pub fn gather(
        &self,
        blocks: &[Block<'_>],
        block: &[i64],
        row: &[i64],
        dim: usize,
    ) -> Result<Vec<f32>> {
        same_length("row_idx", block.len(), row.len())?;
        for of in blocks {
            same_length("dimension of a block", dim, of.vectors.dim())?;
        }
        let places = block.iter().zip(row).enumerate();
        let places = places
            .map(|(position, (&block, &row))| place(blocks, block, row, position))
            .collect::<Result<Vec<_>>>()?;
        let mut out = zeros(places.len().saturating_mul(dim))?;
        if dim > 0 {
            self.install(|| {
                out.par_chunks_mut(dim)
                    .zip(&places)
                    .with_min_len(ROWS_PER_TASK)
                    .for_each(|(out, (block, row))| block.vectors.copy_row(*row, out));
            });
        }
        Ok(out)
    }
}

fn place<'a>(
    blocks: &'a [Block<'a>],
    block: i64,
    row: i64,
    position: usize,
) -> Result<(&'a Block<'a>, usize)> {
    let missing = |what| Error::OutOfRange { what, position };
    let found = usize::try_from(block).ok().and_then(|at| blocks.get(at));
    let found = found.ok_or(missing("block_idx"))?;
    let row = usize::try_from(row).ok().filter(|&row| row < found.rows());
    Ok((found, row.ok_or(missing("row_idx"))?))
}
