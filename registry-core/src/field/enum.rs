//! Kind enum.

use serde::{Deserialize, Serialize};

/// Rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Enum {}
