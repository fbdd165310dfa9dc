//! Answers of git servers, files of Go, and what the two ends of a sandbox tell each other.

use akbuild_engine::fuzzing::go_head;
use akbuild_fetch::fuzzing::read_any_answer;
use akbuild_sandbox::fuzzing::{job, message};

/// What a git server answers, read as references and as a pack: never more than was sent.
pub fn git(data: &[u8]) {
    for length in read_any_answer(data).into_iter().flatten() {
        assert!(length <= data.len());
    }
}

/// The head of a Go file is the head of itself.
pub fn go_imports(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(head) = go_head(&text) {
        assert_eq!(go_head(&head).as_deref(), Some(&*head));
    }
}

/// A message that is understood is the same when it was written and is read again.
pub fn sandbox(data: &[u8]) {
    for read in [job, message] {
        if let Some(written) = read(data) {
            assert_eq!(read(&written).as_deref(), Some(&*written));
        }
    }
}
