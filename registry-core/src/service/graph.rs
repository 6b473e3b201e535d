//! The neighbourhood of an entity.

use serde::Serialize;

use crate::EntityId;

/// Entities around one, and the links between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Graph {
    /// Start first, breadth first.
    pub nodes: Vec<Node>,
    /// Links whose ends are both among the nodes.
    pub edges: Vec<Edge>,
    /// Whether the limit left nodes out.
    pub truncated: bool,
}

/// An entity of a graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Its id.
    pub id: EntityId,
    /// Name of its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// What stands for it: its label field's value, else its id.
    pub label: String,
}

/// A link of a graph.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Edge {
    /// The holder.
    pub from: EntityId,
    /// The target.
    pub to: EntityId,
    /// The link's name at the holder.
    pub link: String,
}
