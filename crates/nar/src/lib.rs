//! Hashes, SRI strings and the NAR serialisation of file trees
