// SPDX-License-Identifier: GPL-2.0

//! How a registered buffer is cut, against a walk along its pages.

use crate::{
    cases,
    pieces::{PagePlace, PieceLayout, PAGE_SHIFT},
};
use proptest::prelude::*;

const PAGE: usize = 1 << PAGE_SHIFT;

/// A run of pages of one folio: which folio, of how many pages (as a power of two), the first of
/// them, and how many.
type Run = (usize, u32, usize, usize);

fn places(runs: &[Run]) -> Vec<PagePlace> {
    let mut places = Vec::new();
    for &(folio, order, first, count) in runs {
        let pages = 1 << order;
        let first = first % pages;
        for index in first..(first + count).min(pages) {
            places.push(PagePlace {
                folio,
                index,
                pages,
            });
        }
    }
    places
}

/// Folios of one size, all of them whole but at the ends.
fn regular() -> impl Strategy<Value = Vec<Run>> {
    (0u32..4, 1usize..6, 0usize..8, 1usize..8).prop_map(|(order, folios, first, last)| {
        let size = 1 << order;
        let mut runs: Vec<Run> = (0..folios).map(|n| (n + 1, order, 0, size)).collect();
        runs[0].2 = first % size;
        let end = runs.len() - 1;
        runs[end].3 = 1 + last % size;
        runs
    })
}

/// Anything, the same folio twice in a row included.
fn any_runs() -> impl Strategy<Value = Vec<Run>> {
    proptest::collection::vec((1usize..4, 0u32..4, 0usize..8, 1usize..9), 1..6)
}

/// Whether each piece of `size` pages, counted from the beginning of the first folio, is a folio.
fn is_regular(places: &[PagePlace]) -> bool {
    let size = places[0].pages;
    let mut expected = places[0].index;
    places.iter().enumerate().all(|(at, place)| {
        let same = at == 0 || expected == 0 || place.folio == places[at - 1].folio;
        let fits = place.pages == size && place.index == expected && same;
        expected = (expected + 1) % size;
        fits
    })
}

proptest! {
    #![proptest_config(cases(2048))]

    #[test]
    fn pieces_are_the_buffer(
        runs in prop_oneof![regular(), any_runs()],
        offset in 0..PAGE,
        cut_off in 0..PAGE,
        parts in proptest::collection::vec((any::<usize>(), any::<usize>()), 1..20),
    ) {
        let places = places(&runs);
        let bytes = places.len() * PAGE;
        let len = (bytes - offset).saturating_sub(cut_off).max(1);
        // Only pages that the buffer is in.
        let places = &places[..(offset + len).div_ceil(PAGE)];
        let cut = PieceLayout::new(places.iter().copied(), offset);
        let regular = is_regular(places);

        let mut pieces = Vec::new();
        let mut at = 0;
        for index in 0..cut.count(len) {
            let (start, bytes) = cut.piece(index, len);
            prop_assert_eq!(start, at);
            prop_assert!(bytes > 0);
            // Its pages lie one behind the other in one folio.
            let first = (offset + start) / PAGE;
            let last = (offset + start + bytes - 1) / PAGE;
            for page in first..last {
                prop_assert_eq!(places[page].folio, places[page + 1].folio);
                prop_assert_eq!(places[page].index + 1, places[page + 1].index);
            }
            // It ends where the folio or the page does.
            if start + bytes < len {
                prop_assert_eq!((offset + start + bytes) % PAGE, 0);
                if regular {
                    prop_assert_eq!(places[last].index + 1, places[last].pages);
                } else {
                    prop_assert_eq!(first, last);
                }
            }
            pieces.push((start, bytes));
            at += bytes;
        }
        prop_assert_eq!(at, len);

        for (begin, count) in parts {
            let begin = begin % len;
            let count = 1 + count % (len - begin);
            let found = cut.find(begin, count);
            let touched: Vec<usize> = (0..pieces.len())
                .filter(|n| pieces[*n].0 < begin + count && begin < pieces[*n].0 + pieces[*n].1)
                .collect();
            prop_assert_eq!(found.index, touched[0]);
            prop_assert_eq!(found.count, touched.len());
            prop_assert_eq!(found.skip, begin - pieces[found.index].0);
        }
    }
}
