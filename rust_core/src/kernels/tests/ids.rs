//! Looking ids up against a linear search, with hashes that collide.

use super::*;

/// Ids as a segment holds them.
#[derive(Debug)]
struct Held {
    ids: Vec<Vec<u8>>,
    bytes: Vec<u8>,
    offsets: Vec<i64>,
    hash: Vec<u64>,
    order: Vec<u32>,
}

impl Held {
    /// `bits` of the true hash: few of them make collisions common.
    fn new(ids: Vec<Vec<u8>>, bits: u32) -> Self {
        let bytes = ids.concat();
        let mut offsets = vec![0];
        offsets.extend(ids.iter().scan(0, |at, id| {
            *at += id.len() as i64;
            Some(*at)
        }));
        let mask = (1 << bits) - 1;
        let hash = hash_ids(&Ids::new(&bytes, &offsets).unwrap()).unwrap();
        let hash: Vec<u64> = hash.into_iter().map(|hash| hash & mask).collect();
        let order = sort_hashes(&hash).unwrap();
        Self {
            ids,
            bytes,
            offsets,
            hash,
            order,
        }
    }

    fn strings(&self) -> Ids<'_> {
        Ids::new(&self.bytes, &self.offsets).unwrap()
    }

    fn index(&self) -> Index<'_> {
        Index::new(&self.hash, &self.order, self.strings()).unwrap()
    }
}

fn held(bits: u32) -> impl Strategy<Value = Held> {
    let id = prop::collection::vec(0_u8..3, 0..4);
    prop::collection::vec(id, 0..40).prop_map(move |ids| Held::new(ids, bits))
}

fn pairs() -> impl Strategy<Value = (Held, Held)> {
    (1_u32..40).prop_flat_map(|bits| (held(bits), held(bits)))
}

proptest! {
    #[test]
    fn lookups_agree_with_a_linear_search((a, b) in pairs()) {
        let last = |id: &Vec<u8>| a.ids.iter().rposition(|other| other == id);
        let want: Vec<i64> = b.ids.iter().map(|id| last(id).map_or(-1, |row| row as i64)).collect();
        prop_assert_eq!(find_ids(&a.index(), &b.hash, &b.strings()).unwrap(), want);
    }

    #[test]
    fn common_ids_are_all_equal_pairs((a, b) in pairs()) {
        let mut want = Vec::new();
        for (i, id) in a.ids.iter().enumerate() {
            let equal = b.ids.iter().enumerate().filter(|(_, other)| *other == id);
            want.extend(equal.map(|(j, _)| [i as i64, j as i64]));
        }
        prop_assert_eq!(common_ids(&a.index(), &b.index()).unwrap(), want);
    }

    #[test]
    fn repeated_ids_are_those_seen_before(a in (1_u32..40).prop_flat_map(held)) {
        let seen = |row: usize| a.ids[..row].contains(&a.ids[row]);
        let want: Vec<i64> = (0..a.ids.len()).filter(|&row| seen(row)).map(|r| r as i64).collect();
        prop_assert_eq!(repeated_ids(&a.index()).unwrap(), want);
    }

    #[test]
    fn the_order_sorts_by_hash_then_row(hash in prop::collection::vec(0_u64..20, 0..60)) {
        let mut want: Vec<u32> = (0..hash.len() as u32).collect();
        want.sort_by_key(|&row| hash[row as usize]);
        prop_assert_eq!(sort_hashes(&hash).unwrap(), want);
    }

    #[test]
    fn a_wrong_order_finds_little_but_breaks_nothing(
        a in held(3), order in prop::collection::vec(0_u32..40, 40),
    ) {
        let n = a.ids.len().max(1) as u32;
        let order: Vec<u32> = order.iter().take(a.ids.len()).map(|row| row % n).collect();
        let index = Index::new(&a.hash, &order, a.strings()).unwrap();
        for (row, &found) in find_ids(&index, &a.hash, &a.strings()).unwrap().iter().enumerate() {
            prop_assert!(found == -1 || a.ids[found as usize] == a.ids[row]);
        }
        prop_assert!(repeated_ids(&index).unwrap().len() <= a.ids.len());
        for [i, j] in common_ids(&index, &a.index()).unwrap() {
            prop_assert_eq!(&a.ids[i as usize], &a.ids[j as usize]);
        }
    }

    #[test]
    fn whatever_the_parts_hold_nothing_panics(
        hash in prop::collection::vec(0_u64..4, 8),
        order in prop::collection::vec(0_u32..12, 8),
        offsets in prop::collection::vec(-2_i64..8, 9),
        a in held(3),
    ) {
        let index = Index::new(&hash, &order, Ids::new(b"abcde", &offsets).unwrap()).unwrap();
        let leads_nowhere = order.iter().any(|&row| row >= 8);
        prop_assert!(!leads_nowhere || repeated_ids(&index).is_err());
        if let Ok(pairs) = common_ids(&index, &a.index()) {
            prop_assert!(pairs.iter().all(|&[i, _]| i < 8));
        }
        if let Ok(rows) = find_ids(&index, &a.hash, &a.strings()) {
            prop_assert!(rows.iter().all(|&row| row < 8));
        }
    }
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    assert!(Ids::new(b"abc", &[]).is_err());
    for offsets in [[-1, 0], [0, 4], [2, 1], [0, i64::MAX]] {
        let ids = Ids::new(b"abc", &offsets).unwrap();
        assert!(hash_ids(&ids).is_err(), "{offsets:?}");
        let index = Index::new(&[1], &[0], ids).unwrap();
        let asked = Ids::new(b"abc", &[0, 3]).unwrap();
        assert!(find_ids(&index, &[1], &asked).is_err(), "{offsets:?}");
    }
    let ids = Ids::new(b"abc", &[0, 1, 3]).unwrap();
    assert!(Index::new(&[1], &[0], ids).is_err());
    assert!(Index::new(&[1, 2], &[0], ids).is_err());
    assert!(ids.get(2).is_err() && ids.get(usize::MAX).is_err());
    let astray = Index::new(&[1, 2], &[0, 2], ids).unwrap();
    assert!(repeated_ids(&astray).is_err());
    assert!(common_ids(&astray, &astray).is_err());
    assert!(find_ids(&astray, &[1, 2], &ids).is_err());
    let index = Index::new(&[1, 2], &[0, 1], ids).unwrap();
    assert!(find_ids(&index, &[1], &ids).is_err());
}

#[test]
fn a_lookup_reads_no_more_than_its_search_leads_to() {
    // Every offset but those of the sought row is wrong, and so is nearly all of the order.
    let (rows, sought) = (1 << 16, 40_000);
    let mut offsets = vec![-1; rows + 1];
    (offsets[sought], offsets[sought + 1]) = (0, 3);
    let hash: Vec<u64> = (0..rows as u64).collect();
    let mut order = vec![u32::MAX; rows];
    let (mut low, mut high) = (0, rows);
    while low < high {
        let middle = usize::midpoint(low, high);
        order[middle] = middle as u32;
        (low, high) = if middle <= sought {
            (middle + 1, high)
        } else {
            (low, middle)
        };
    }
    order[sought] = sought as u32;
    let index = Index::new(&hash, &order, Ids::new(b"abc", &offsets).unwrap()).unwrap();
    let asked = Ids::new(b"abc", &[0, 3]).unwrap();
    let found = find_ids(&index, &[sought as u64], &asked);
    assert_eq!(found, Ok(vec![sought as i64]));
}
