// SPDX-License-Identifier: GPL-2.0

//! `kernel::warn_on`, for a test, which what cannot happen fails.

macro_rules! warn_on {
    ($cond:expr) => {{
        let cond = $cond;
        assert!(!cond, "{}:{}: this cannot happen", file!(), line!());
        cond
    }};
}
pub(crate) use warn_on;
