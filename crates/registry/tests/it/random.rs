//! Numbers that a seed decides, for tests that compare with a real program on random inputs.

/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    /// True in one of `n` cases.
    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    pub(crate) fn word<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    /// Each element with a chance of one in `n`.
    pub(crate) fn some<'a, T>(&mut self, list: &'a [T], n: usize) -> Vec<&'a T> {
        list.iter().filter(|_| self.one_in(n)).collect()
    }
}

/// The number of rounds and the seed: `AKBUILD_TEST_ROUNDS` and `AKBUILD_TEST_SEED`, else `rounds` and the time.
#[allow(clippy::print_stdout, reason = "the seed of a random run")]
pub(crate) fn settings(rounds: u64) -> (u64, Random) {
    let setting = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seed = setting("AKBUILD_TEST_SEED").unwrap_or(now.as_nanos() as u64);
    println!("AKBUILD_TEST_SEED={seed}");
    (setting("AKBUILD_TEST_ROUNDS").unwrap_or(rounds), Random(seed))
}
