//! Finding ids by hash: binary search and merge join that always compare the bytes.

use super::error::same_length;
use super::{Error, Result};
use std::cmp::Ordering;

/// Strings one after the other: id `i` is `bytes[offsets[i]..offsets[i + 1]]`.
///
/// Nothing is looked at before it is asked for, so that one lookup in a mapped file of millions
/// of ids reads only a few of its pages; each access is checked instead.
#[derive(Debug, Clone, Copy)]
pub struct Ids<'a> {
    bytes: &'a [u8],
    offsets: &'a [i64],
}

impl<'a> Ids<'a> {
    /// One offset more than there are ids.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if there is no offset at all.
    pub fn new(bytes: &'a [u8], offsets: &'a [i64]) -> Result<Self> {
        if offsets.is_empty() {
            return Err(Error::Shape {
                what: "offsets of ids (one more than ids)",
                expected: 1,
                got: 0,
            });
        }
        Ok(Self { bytes, offsets })
    }

    /// How many ids.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of id `row`.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfRange`] if there is no such row, or its offsets descend or leave the bytes.
    #[inline]
    pub fn get(&self, row: usize) -> Result<&'a [u8]> {
        self.within(row).ok_or(Error::OutOfRange {
            what: "offsets of ids",
            position: row,
        })
    }

    fn within(&self, row: usize) -> Option<&'a [u8]> {
        let &[start, end] = self.offsets.get(row..)?.first_chunk()?;
        self.bytes
            .get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }
}

/// Ids with their hashes and the order that sorts these.
#[derive(Debug, Clone, Copy)]
pub struct Index<'a> {
    hash: &'a [u64],
    order: &'a [u32],
    ids: Ids<'a>,
}

impl<'a> Index<'a> {
    /// Check that the parts agree in length.
    ///
    /// That the order sorts is not checked: if it does not, ids are not found.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`].
    pub fn new(hash: &'a [u64], order: &'a [u32], ids: Ids<'a>) -> Result<Self> {
        same_length("id_hash", ids.len(), hash.len())?;
        same_length("order", ids.len(), order.len())?;
        Ok(Self { hash, order, ids })
    }

    /// The hash at `rank`, which is below the number of ids.
    fn hash_at(&self, rank: usize) -> Result<u64> {
        let hash = self.hash.get(self.row_at(rank)).copied();
        hash.ok_or(Error::OutOfRange {
            what: "order",
            position: rank,
        })
    }

    /// The row at `rank`; that it is one of the rows shows when it is looked up.
    fn row_at(&self, rank: usize) -> usize {
        self.order[rank] as usize
    }

    /// The end of the run of equal hashes that starts at `rank`.
    fn run_end(&self, rank: usize) -> Result<usize> {
        let hash = self.hash_at(rank)?;
        let mut end = rank + 1;
        while end < self.order.len() && self.hash_at(end)? == hash {
            end += 1;
        }
        Ok(end)
    }

    /// How many hashes are at most `hash`.
    fn upper_bound(&self, hash: u64) -> Result<usize> {
        let (mut low, mut high) = (0, self.order.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.hash_at(middle)? <= hash {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    fn last_row(&self, hash: u64, id: &[u8]) -> Result<Option<usize>> {
        for rank in (0..self.upper_bound(hash)?).rev() {
            if self.hash_at(rank)? != hash {
                break;
            }
            if self.ids.get(self.row_at(rank))? == id {
                return Ok(Some(self.row_at(rank)));
            }
        }
        Ok(None)
    }
}

/// The permutation that sorts by (hash, row).
///
/// # Errors
///
/// [`Error::Shape`] from `2^32` rows on.
pub fn sort_hashes(hash: &[u64]) -> Result<Vec<u32>> {
    let limit = u32::MAX as usize;
    if hash.len() > limit {
        return Err(Error::Shape {
            what: "rows to sort, at most",
            expected: limit,
            got: hash.len(),
        });
    }
    let mut keyed: Vec<(u64, u32)> = hash.iter().copied().zip(0..).collect();
    keyed.sort_unstable();
    Ok(keyed.into_iter().map(|(_, row)| row).collect())
}

/// For each asked id its row, or -1; the last row where an id occurs several times.
///
/// Reads a logarithmic part of the index for each.
///
/// # Errors
///
/// [`Error::Shape`] if the asked hashes and ids differ in number, [`Error::OutOfRange`] where
/// the search meets an order or offsets that lead nowhere.
pub fn find_ids(index: &Index<'_>, hash: &[u64], ids: &Ids<'_>) -> Result<Vec<i64>> {
    same_length("query_hash", ids.len(), hash.len())?;
    let find = |(asked, &hash): (usize, &u64)| {
        let row = index.last_row(hash, ids.get(asked)?)?;
        Ok(row.map_or(-1, |row| row as i64))
    };
    hash.iter().enumerate().map(find).collect()
}

/// Every pair (row in `a`, row in `b`) with equal ids, in ascending order.
///
/// # Errors
///
/// [`Error::OutOfRange`] where an order or offsets lead nowhere.
pub fn common_ids(a: &Index<'_>, b: &Index<'_>) -> Result<Vec<[i64; 2]>> {
    let mut pairs = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < a.order.len() && j < b.order.len() {
        match a.hash_at(i)?.cmp(&b.hash_at(j)?) {
            Ordering::Less => i += 1,
            Ordering::Greater => j += 1,
            Ordering::Equal => {
                let (i_end, j_end) = (a.run_end(i)?, b.run_end(j)?);
                pair_runs(a, i..i_end, b, j..j_end, &mut pairs)?;
                (i, j) = (i_end, j_end);
            }
        }
    }
    pairs.sort_unstable();
    Ok(pairs)
}

type Ranks = std::ops::Range<usize>;

fn pair_runs(
    a: &Index<'_>,
    i: Ranks,
    b: &Index<'_>,
    j: Ranks,
    pairs: &mut Vec<[i64; 2]>,
) -> Result<()> {
    for row in i.map(|rank| a.row_at(rank)) {
        for other in j.clone().map(|rank| b.row_at(rank)) {
            if a.ids.get(row)? == b.ids.get(other)? {
                pairs.push([row as i64, other as i64]);
            }
        }
    }
    Ok(())
}

/// The rows whose id occurred at a lower row already, ascending.
///
/// # Errors
///
/// [`Error::OutOfRange`] where the order or the offsets lead nowhere.
pub fn repeated_ids(index: &Index<'_>) -> Result<Vec<i64>> {
    let mut repeated = Vec::new();
    let mut start = 0;
    while start < index.order.len() {
        let end = index.run_end(start)?;
        if end - start > 1 {
            repeat_in_run(index, start..end, &mut repeated)?;
        }
        start = end;
    }
    repeated.sort_unstable();
    Ok(repeated)
}

fn repeat_in_run(index: &Index<'_>, run: Ranks, repeated: &mut Vec<i64>) -> Result<()> {
    let mut rows: Vec<usize> = run.map(|rank| index.row_at(rank)).collect();
    rows.sort_unstable();
    // Distinct ids of one hash: nearly always one, so this is linear in the run.
    let mut seen: Vec<&[u8]> = Vec::new();
    for row in rows {
        let id = index.ids.get(row)?;
        if seen.contains(&id) {
            repeated.push(row as i64);
        } else {
            seen.push(id);
        }
    }
    Ok(())
}
