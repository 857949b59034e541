//! Two hashes that are written into files and must never change.

use super::Result;
use super::ids::Ids;
use xxhash_rust::xxh3::xxh3_64;

/// The finaliser of `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014): a bijection of 64 bits that flips each output bit with
/// probability one half.
#[inline(always)]
#[must_use]
pub(crate) fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// `mix(hash ^ mix(key))`: an order of the ids that differs for every key.
#[inline(always)]
#[must_use]
pub fn keyed_hash(hash: u64, key: u64) -> u64 {
    mix(hash ^ mix(key))
}

/// XXH3-64 with seed 0 of each id's bytes; the same on every platform.
///
/// # Errors
///
/// [`OutOfRange`](super::Error::OutOfRange) for offsets that do not ascend within the bytes.
pub fn hash_ids(ids: &Ids<'_>) -> Result<Vec<u64>> {
    (0..ids.len())
        .map(|row| Ok(xxh3_64(ids.get(row)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hashes_are_what_they_were_on_the_first_day() {
        // `SplitMix64`'s published first outputs for seed 0; XXH3's for the empty input.
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(mix(0x9e37_79b9_7f4a_7c15), 0x6e78_9e6a_a1b9_65f4);
        assert_eq!(xxh3_64(b""), 0x2d06_8005_38d3_94c2);
        assert_eq!(keyed_hash(1, 2), mix(1 ^ mix(2)));
    }
}
