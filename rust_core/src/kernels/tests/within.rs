//! The nearest within a group are the neighbours of its rows by themselves.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_group_is_as_near_as_its_neighbours_alone(
        pool in pools(), cuts in prop::collection::vec(0_usize..40, 0..4), k in 0_usize..9,
    ) {
        let rows = pool.len();
        // Groups of rows from both ends, so that members are neither sorted nor contiguous.
        let sizes: Vec<i64> = cuts.iter().map(|&cut| cut.min(rows) as i64).collect();
        let first = |group: usize| if group.is_multiple_of(2) { 0 } else { rows - sizes[group] as usize };
        let spans = (0..sizes.len()).map(|group| first(group)..first(group) + sizes[group] as usize);
        let members: Vec<i64> = spans.clone().flat_map(Iterator::rev).map(|row| row as i64).collect();
        let never = Cancel::default();
        for engine in engines() {
            let all = pool.vectors(0, rows);
            let groups = Groups { members: &members, sizes: &sizes };
            let found = engine.nearest_within(&all, groups, k, &never).unwrap();
            prop_assert_eq!(found.len(), members.len() * k);
            let mut place = 0;
            for span in spans.clone() {
                let own = pool.vectors(span.start, span.end);
                let want = engine.neighbours(&own, &own, k + 1, &never).unwrap();
                for row in (0..span.len()).rev() {
                    // The nearest is the row itself, at distance 0.
                    let want = &want.squared[row * (k + 1) + 1..(row + 1) * (k + 1)];
                    prop_assert_eq!(&found[place * k..(place + 1) * k], want);
                    place += 1;
                }
            }
        }
    }
}

#[test]
fn groups_that_make_no_sense_are_refused() {
    let rows = [0.0, 1.0, f32::NAN];
    let vectors = Vectors::new(Values::F32(&rows), 3, 1).unwrap();
    let never = Cancel::default();
    for engine in engines() {
        let refused = |members: &[i64], sizes: &[i64]| {
            let groups = Groups { members, sizes };
            engine
                .nearest_within(&vectors, groups, 1, &never)
                .unwrap_err()
        };
        let what = "members";
        assert_eq!(
            refused(&[0, 3], &[2]),
            Error::OutOfRange { what, position: 1 }
        );
        assert_eq!(
            refused(&[-1], &[1]),
            Error::OutOfRange { what, position: 0 }
        );
        let what = "sizes";
        assert_eq!(
            refused(&[0], &[2, -1]),
            Error::OutOfRange { what, position: 1 }
        );
        assert!(matches!(refused(&[0, 1], &[1]), Error::Shape { .. }));
        let what = "vectors (row)";
        assert_eq!(
            refused(&[1, 2], &[2]),
            Error::NotFinite { what, position: 2 }
        );
        let stopped = Cancel::default();
        stopped.cancel();
        let groups = Groups {
            members: &[0, 1],
            sizes: &[2],
        };
        let stopped = engine.nearest_within(&vectors, groups, 1, &stopped);
        assert_eq!(stopped, Err(Error::Cancelled));
    }
}
