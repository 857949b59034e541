//! Finding ids by hash: binary search and merge join that always compare the bytes.

use super::error::same_length;
use super::{Error, Result};
use std::cmp::Ordering;

/// Strings one after the other: id `i` is `bytes[offsets[i]..offsets[i + 1]]`.
#[derive(Debug, Clone, Copy)]
pub struct Ids<'a> {
    bytes: &'a [u8],
    offsets: &'a [i64],
}

impl<'a> Ids<'a> {
    /// Check that the offsets ascend within the bytes.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfRange`] with the first offset that does not.
    pub fn new(bytes: &'a [u8], offsets: &'a [i64]) -> Result<Self> {
        let mut floor = 0;
        for (position, &offset) in offsets.iter().enumerate() {
            let fits = usize::try_from(offset).is_ok_and(|offset| offset <= bytes.len());
            if offset < floor || !fits {
                return Err(Error::OutOfRange {
                    what: "offsets of ids",
                    position,
                });
            }
            floor = offset;
        }
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

    /// The bytes of id `row`, which is below `len`.
    #[inline]
    #[must_use]
    pub fn get(&self, row: usize) -> &'a [u8] {
        // `new` proved that the offsets are not negative and lie within the bytes.
        &self.bytes[self.offsets[row] as usize..self.offsets[row + 1] as usize]
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
    /// Check that the parts agree in length and the order names rows there are.
    ///
    /// That the order sorts is not checked: if it does not, ids are not found.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] or [`Error::OutOfRange`].
    pub fn new(hash: &'a [u64], order: &'a [u32], ids: Ids<'a>) -> Result<Self> {
        same_length("id_hash", ids.len(), hash.len())?;
        same_length("order", ids.len(), order.len())?;
        if let Some(position) = order.iter().position(|&row| row as usize >= hash.len()) {
            return Err(Error::OutOfRange {
                what: "order",
                position,
            });
        }
        Ok(Self { hash, order, ids })
    }

    fn hash_at(&self, rank: usize) -> u64 {
        self.hash[self.order[rank] as usize]
    }

    fn row_at(&self, rank: usize) -> usize {
        self.order[rank] as usize
    }

    /// The end of the run of equal hashes that starts at `rank`.
    fn run_end(&self, rank: usize) -> usize {
        let hash = self.hash_at(rank);
        let mut end = rank + 1;
        while end < self.order.len() && self.hash_at(end) == hash {
            end += 1;
        }
        end
    }

    /// How many hashes are at most `hash`.
    fn upper_bound(&self, hash: u64) -> usize {
        self.order
            .partition_point(|&row| self.hash[row as usize] <= hash)
    }

    fn last_row(&self, hash: u64, id: &[u8]) -> Option<usize> {
        let end = self.upper_bound(hash);
        (0..end)
            .rev()
            .take_while(|&rank| self.hash_at(rank) == hash)
            .map(|rank| self.row_at(rank))
            .find(|&row| self.ids.get(row) == id)
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
/// # Errors
///
/// [`Error::Shape`] if the asked hashes and ids differ in number.
pub fn find_ids(index: &Index<'_>, hash: &[u64], ids: &Ids<'_>) -> Result<Vec<i64>> {
    same_length("query_hash", ids.len(), hash.len())?;
    let find = |(asked, &hash): (usize, &u64)| {
        let row = index.last_row(hash, ids.get(asked));
        row.map_or(-1, |row| row as i64)
    };
    Ok(hash.iter().enumerate().map(find).collect())
}

/// Every pair (row in `a`, row in `b`) with equal ids, in ascending order.
#[must_use]
pub fn common_ids(a: &Index<'_>, b: &Index<'_>) -> Vec<[i64; 2]> {
    let mut pairs = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < a.order.len() && j < b.order.len() {
        match a.hash_at(i).cmp(&b.hash_at(j)) {
            Ordering::Less => i += 1,
            Ordering::Greater => j += 1,
            Ordering::Equal => {
                let (i_end, j_end) = (a.run_end(i), b.run_end(j));
                pair_runs(a, i..i_end, b, j..j_end, &mut pairs);
                (i, j) = (i_end, j_end);
            }
        }
    }
    pairs.sort_unstable();
    pairs
}

type Ranks = std::ops::Range<usize>;

fn pair_runs(a: &Index<'_>, i: Ranks, b: &Index<'_>, j: Ranks, pairs: &mut Vec<[i64; 2]>) {
    for row in i.map(|rank| a.row_at(rank)) {
        for other in j.clone().map(|rank| b.row_at(rank)) {
            if a.ids.get(row) == b.ids.get(other) {
                pairs.push([row as i64, other as i64]);
            }
        }
    }
}

/// The rows whose id occurred at a lower row already, ascending.
#[must_use]
pub fn repeated_ids(index: &Index<'_>) -> Vec<i64> {
    let mut repeated = Vec::new();
    let mut start = 0;
    while start < index.order.len() {
        let end = index.run_end(start);
        if end - start > 1 {
            let mut rows: Vec<usize> = (start..end).map(|rank| index.row_at(rank)).collect();
            rows.sort_unstable();
            // Distinct ids of one hash: nearly always one, so this is linear in the run.
            let mut seen: Vec<&[u8]> = Vec::new();
            for row in rows {
                let id = index.ids.get(row);
                if seen.contains(&id) {
                    repeated.push(row as i64);
                } else {
                    seen.push(id);
                }
            }
        }
        start = end;
    }
    repeated.sort_unstable();
    repeated
}
