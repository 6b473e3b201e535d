//! Deletes: what goes along, what is unlinked, what forbids it.
