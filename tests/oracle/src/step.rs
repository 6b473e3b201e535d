//! One thing that somebody asks of a registry, as a value: it can be shown, left out, and asked of several stores.

use registry_core::{
    Caller, EntityId, Principal, principal::Role, service::SearchRequest, upload::Format,
};
use serde_json::{Map, Value};

/// A step: who asks for what.
#[derive(Clone, Debug)]
pub struct Step {
    /// Who.
    pub who: Who,
    /// What.
    pub op: Op,
}

/// Somebody with rights of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Sees and writes everything.
    Admin,
    /// Writes for `org:a`.
    Ann,
    /// Writes for `org:b`, and reads what `team:x` may.
    Bob,
    /// Reads what `team:x` may.
    Cid,
}

impl Who {
    /// The caller.
    pub(crate) fn caller(self) -> Caller {
        let (actor, principals, role): (_, &[&str], _) = match self {
            Self::Admin => ("user:admin", &["user:admin", "org:default"], Role::Admin),
            Self::Ann => ("user:ann", &["user:ann", "org:a"], Role::Writer),
            Self::Bob => ("user:bob", &["user:bob", "org:b", "team:x"], Role::Writer),
            Self::Cid => ("user:cid", &["user:cid", "team:x"], Role::Reader),
        };
        let parse = |text: &str| Principal::parse(text).unwrap();
        let own = principals.get(1).copied().unwrap_or(actor);
        Caller {
            actor: parse(actor),
            default_owners: vec![parse(own)],
            principals: principals.iter().map(|text| parse(text)).collect(),
            role,
        }
    }
}

/// A JSON object.
pub type Document = Map<String, Value>;

/// What is asked for; the parameters are those of the HTTP contract.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "each is an operation of the contract, with its parameters"
)]
pub enum Op {
    Define(Document),
    ReplaceType {
        name: String,
        document: Document,
        drop: Vec<String>,
    },
    ChangeType {
        name: String,
        patch: Document,
    },
    DeleteType {
        name: String,
        cascade: bool,
    },
    ListTypes,
    BuildIndexes,
    Create {
        of: String,
        id: Option<EntityId>,
        body: Document,
    },
    Put {
        of: String,
        id: EntityId,
        body: Document,
        if_match: Option<i64>,
    },
    Patch {
        of: String,
        id: EntityId,
        body: Document,
        if_match: Option<i64>,
    },
    Delete {
        of: String,
        id: EntityId,
        if_match: Option<i64>,
    },
    Link {
        of: String,
        id: EntityId,
        link: String,
        target: EntityId,
    },
    Unlink {
        of: String,
        id: EntityId,
        link: String,
        target: EntityId,
    },
    Upload(Upload),
    Get {
        of: String,
        id: EntityId,
    },
    ByKey {
        of: String,
        key: String,
        value: String,
    },
    Links {
        of: String,
        id: EntityId,
    },
    Linked {
        of: String,
        id: EntityId,
        link: String,
        request: SearchRequest,
    },
    Graph {
        of: String,
        id: EntityId,
        depth: u64,
        limit: u64,
    },
    Search(SearchRequest),
    /// Every page of a search; after each page but the last, one of the steps is done, as long as there are any.
    Walk {
        request: SearchRequest,
        between: Vec<Step>,
    },
    Download {
        of: String,
        format: String,
        null: Option<String>,
        search: SearchRequest,
    },
}

/// An upload.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "parameters of the contract")]
pub struct Upload {
    pub of: String,
    pub format: Format,
    pub mode: Option<String>,
    pub key: Option<String>,
    pub atomic: Option<String>,
    pub dry_run: Option<String>,
    pub null: Option<String>,
    pub text: String,
}
