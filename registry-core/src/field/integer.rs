//! Kind integer.

use serde::{Deserialize, Serialize};

/// Rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Integer {}
