//! A toy machine of about 150 lines that passes the conformance suite: the example to copy.
