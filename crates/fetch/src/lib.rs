//! Downloading and unpacking: HTTP, git, archives, and the machine's mirror configuration
