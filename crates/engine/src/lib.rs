//! The executor: keys, manifests, early cutoff, scheduling
