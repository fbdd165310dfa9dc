//! The content-addressed store: trees, blobs, action cache, records
