//! Room for tables: what is taken never exceeds it, and what is dropped can be taken again.

use super::super::pages::large_zeros;
use super::super::room::Room;
use super::*;

proptest! {
    #[test]
    fn what_is_taken_fits_and_comes_back(
        size in 0_usize..100, asked in prop::collection::vec((0_usize..60, 0_usize..4), 0..20),
    ) {
        let room = Room::new(size);
        let mut held = Vec::new();
        for (wanted, dropped) in asked {
            held.truncate(held.len().saturating_sub(dropped));
            let used: usize = held.iter().map(|(size, _)| size).sum();
            let taken = room.take(wanted);
            prop_assert_eq!(taken.is_some(), used + wanted <= size);
            held.extend(taken.map(|taken| (wanted, taken)));
        }
        held.clear();
        prop_assert!(room.take(size).is_some());
    }
}

#[test]
fn threads_that_ask_at_once_get_no_more_than_there_is() {
    let room = Room::new(10);
    let got = std::thread::scope(|scope| {
        let ask = || (0..100).filter_map(|_| room.take(1)).collect::<Vec<_>>();
        let threads = [(); 4].map(|()| scope.spawn(ask));
        threads.map(|thread| thread.join().unwrap())
    });
    assert_eq!(got.iter().map(Vec::len).sum::<usize>(), 10);
}

#[test]
fn memory_that_is_not_to_be_had_ends_nothing() {
    assert_eq!(large_zeros(5_000), Some(vec![0.0; 5_000]));
    assert!(large_zeros(1 << 60).is_none());
    assert!(large_zeros(usize::MAX).is_none());
}
